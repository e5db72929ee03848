#pragma once

#include <vector>

#include "estimators/cost_model.hpp"

namespace hwnas::estimators {

/// The exact estimate of a cost that is the sum of `cost(layer, first input, output)` over the
/// layers of the network as given. Throws what ir::infer_shapes throws.
template <typename CostOfLayer>
Estimate sum_over_layers(const ir::Network& network, CostOfLayer cost) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  Estimate estimate{.origin = Origin::kExact, .per_layer = {}};
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const ir::Shape in = ir::input_shape(network, shapes, static_cast<int>(i));
    const auto part = static_cast<double>(cost(network.layers[i], in, shapes[i]));
    estimate.per_layer.push_back(part);
    estimate.value += part;
  }
  return estimate;
}

}  // namespace hwnas::estimators
