#pragma once

#include "ir/network.hpp"

namespace hwnas::bench {

/// The candidate that training benchmarks train: five inverted residuals on a 28x28 image, 1.2 M
/// MACs, 31,266 parameters. bench/train_throughput.py builds the same model.
ir::Network reference_candidate();

}  // namespace hwnas::bench
