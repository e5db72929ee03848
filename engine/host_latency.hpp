#pragma once

#include <string_view>

#include "engine/experiment.hpp"
#include "estimators/measure.hpp"
#include "report/run_summary.hpp"

namespace hwnas::engine {

/// Latency of one inference by LibTorch on the processor that runs hwnas: recorded of every
/// finalist as predicted (device host_cpu, runtime libtorch) and as measured, which shows how far
/// predictions can be trusted where both are known.
inline constexpr std::string_view kHostLatency = "host_latency_ms";

report::MetricValue predicted_host_latency(const Experiment& experiment,
                                           const ir::Network& network);
report::MetricValue measured_host_latency(const estimators::LatencyMeasurement& measurement);

}  // namespace hwnas::engine
