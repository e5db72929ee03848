#pragma once

#include "estimators/measure.hpp"
#include "ir/weights.hpp"

namespace hwnas::train {

/// Latency of one inference (batch 1, batch norm folded, LibTorch on this processor), by the
/// protocol of estimators/measure.hpp: what host_cpu's cost model with runtime libtorch predicts.
estimators::LatencyMeasurement measure_network_latency(
    const ir::Network& network, const ir::Weights& weights, int threads,
    const estimators::MeasureOptions& options = {});

}  // namespace hwnas::train
