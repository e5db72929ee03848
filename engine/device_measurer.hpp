#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "core/config.hpp"
#include "ir/network.hpp"
#include "measurement/runner.hpp"
#include "report/run_summary.hpp"

namespace hwnas::engine {

/// How networks are brought to a device and measured there.
struct MeasurementOptions {
  Config runner;             ///< for measurement::make_runner
  std::string format = "c";  ///< the exporter's that makes the runner's file
  bool integers = true;      ///< export 8-bit integers, not floats
  int every = 4;             ///< in a search: each k-th candidate for the front is measured

  /// Keys with, format, integers, every. Throws InvalidArgument with its place.
  static MeasurementOptions from_config(const Config& config);
};

/// Exports a network that nobody has trained, "<folder>/<name>.…"; `name` is like
/// measurement::Artifact::name. Throws InvalidArgument for what the exporter cannot express.
measurement::Artifact export_untrained(const ir::Network& network, const std::string& name,
                                       const MeasurementOptions& options,
                                       const std::filesystem::path& folder);

/// Measures networks that nobody has trained: what an inference costs does not depend on the values
/// of the weights. One thread.
class DeviceMeasurer {
 public:
  /// `folder`: where artifacts lie while they are measured.
  DeviceMeasurer(const MeasurementOptions& options, std::filesystem::path folder);

  /// What the exporter cannot express is a kRefused measurement. Throws Cancelled if it was
  /// stopped, and what writing files throws.
  measurement::Measurement measure(const ir::Network& network, const std::string& name,
                                   std::stop_token stop);

 private:
  MeasurementOptions options_;
  std::filesystem::path folder_;
  std::unique_ptr<measurement::Runner> runner_;
};

/// The latency in a measurement: measured, or estimated from counted instructions. Nothing if it
/// failed or has none.
std::optional<report::MetricValue> measured_latency(const measurement::Measurement& measurement);

}  // namespace hwnas::engine
