#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "estimators/rank_statistics.hpp"

namespace hwnas::bench {

/// Which networks may be measured, and which the model is judged by.
enum class Protocol {
  /// HELP's (Lee et al., NeurIPS 2021): of the first 900 networks (4,000 of FBNet's), judged by the
  /// next 1,000 without the tenth of them that is fastest on the device and the tenth that is
  /// slowest. HELP trims the networks to be measured in the same way, which only their measurement
  /// would tell; here they are the middle 80 % by MACs.
  kHelp,
  /// Of all connected networks, judged by all others of them. Designs choose from the middle 80 %
  /// by MACs. The source devices know the first 900.
  kBreadth,
};
/// "help" or "breadth". Throws NotFound for another name.
Protocol protocol_of(const std::string& name);

struct QualityOptions {
  std::string space;  ///< as encode's
  std::vector<std::filesystem::path> tables;
  std::string genotype_column = "ops";
  std::vector<std::string> sources;  ///< a source that is the target is left out for that target
  std::vector<std::string> targets;
  std::vector<int> samples;
  int draws = 30;
  std::string model;
  Protocol protocol = Protocol::kHelp;
  /// Of kBreadth: networks that judge a draw, chosen at random.
  std::size_t queries = std::numeric_limits<std::size_t>::max();
};

/// How well a device was learned, by draw. The draws of different devices take the same
/// candidates.
struct DeviceQuality {
  std::string device;
  int samples = 0;
  std::vector<estimators::Agreement> draws;
  std::vector<double> fit_seconds;
};

/// One for each target and number of samples, in this order. Deterministic but for the seconds.
/// Throws InvalidArgument where a target has too few networks, and what read_cost_tables, encode
/// and make_learner throw.
std::vector<DeviceQuality> measure_quality(const QualityOptions& options);

/// A statistic over draws.
struct DrawStatistic {
  double mean = 0;
  double standard_deviation = 0;
  double worst = 0;  ///< the smallest
};
/// Of one number of an agreement, of one device.
DrawStatistic over_draws(const DeviceQuality& quality, double estimators::Agreement::*member);
/// Of its mean over devices in each draw; `qualities` have equally many draws.
DrawStatistic over_draws(const std::vector<DeviceQuality>& qualities,
                         double estimators::Agreement::*member);

}  // namespace hwnas::bench
