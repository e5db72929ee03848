#pragma once

#include <Eigen/Core>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "bench/cell_features.hpp"
#include "estimators/regressor.hpp"

namespace hwnas::bench {

/// Networks and their costs on one device.
struct SourceDevice {
  std::string name;
  estimators::FeatureMatrix features;
  Eigen::VectorXd costs;
};

/// What a learner may know before the first measurement on a new device.
struct Setting {
  const EncodedNetworks& networks;  ///< all of the space: a pool to standardise features over
  std::vector<SourceDevice> sources;
};

/// Measures one candidate.
using Measure = std::function<double(int candidate)>;

/// A way to learn a device from few measurements.
struct Learner {
  std::function<std::unique_ptr<estimators::Regressor>(const estimators::FeatureMatrix& measured,
                                                       const Eigen::VectorXd& costs)>
      fit;
  /// `count` different rows of the candidates; empty: at random. May measure each row it returns.
  std::function<std::vector<int>(const estimators::FeatureMatrix& candidates, int count,
                                 const Measure& measure)>
      choose;
};

struct LearnerInfo {
  std::string_view name;
  std::string_view summary;
  Learner (*make)(const Setting& setting);  ///< `setting` outlives the learner
};

/// What `cost_model_quality --model` takes.
std::span<const LearnerInfo> learners();
/// Throws NotFound listing those there are.
Learner make_learner(std::string_view name, const Setting& setting);

}  // namespace hwnas::bench
