#include "engine/host_latency.hpp"

#include "engine/config_files.hpp"
#include "estimators/cost_model.hpp"

namespace hwnas::engine {

report::MetricValue predicted_host_latency(const Experiment& experiment,
                                           const ir::Network& network) {
  const estimators::DeviceProfile host =
      estimators::load_device(device_file("host_cpu", experiment.folder));
  const auto model = estimators::make_cost_model("latency_ms", host, host.runtime("libtorch"));
  const estimators::Estimate estimate = model->predict(network);
  return {std::string(kHostLatency), estimate.value, estimate.standard_deviation, estimate.origin};
}

report::MetricValue measured_host_latency(const estimators::LatencyMeasurement& measurement) {
  return {std::string(kHostLatency), measurement.median_ms, measurement.standard_deviation_ms(),
          estimators::Origin::kMeasured};
}

}  // namespace hwnas::engine
