#pragma once

#include "core/config.hpp"

namespace hwnas::engine {

/// How a distribution over networks is optimised by gradients before the search, which starts from
/// it. The loss is in nats: the cross-entropy of a network with shared weights, and its costs.
struct DifferentiableSection {
  int steps = 200;
  int paths = 8;         ///< networks of a step that the supernet scores
  int samples = 500;     ///< networks of a step whose costs are predicted
  int batch_size = 256;  ///< validation samples of a step
  double learning_rate = 0.1;
  /// What the first objective that is a cost adds to the loss of a network that costs as much as
  /// the average of the space.
  double hardware_weight = 0.1;
  double entropy = 0.02;  ///< see search::DistributionOptimizerOptions

  /// Throws InvalidArgument, with its place, for what is unknown or out of range.
  static DifferentiableSection from_config(const Config& config);
};

}  // namespace hwnas::engine
