#include "ir/weights.hpp"

#include <algorithm>

#include <fmt/ranges.h>

#include "core/error.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::ir {

namespace {

using ArrayShape = std::vector<std::int64_t>;

/// Shapes of a layer's arrays; an empty shape stands for an array that must not be there.
struct LayerShapes {
  ArrayShape weight, bias, running_mean, running_var;
};

LayerShapes expected_shapes(const Layer& layer, const Shape& in) {
  return std::visit(overloaded{
                        [&](const Conv2d& conv) -> LayerShapes {
                          return {.weight = {conv.out_channels, in.channels / conv.groups,
                                             conv.window.kernel_height, conv.window.kernel_width},
                                  .bias = conv.bias ? ArrayShape{conv.out_channels} : ArrayShape{},
                                  .running_mean = {},
                                  .running_var = {}};
                        },
                        [&](const Linear& linear) -> LayerShapes {
                          return {
                              .weight = {linear.out_features, in.channels},
                              .bias = linear.bias ? ArrayShape{linear.out_features} : ArrayShape{},
                              .running_mean = {},
                              .running_var = {}};
                        },
                        [&](const BatchNorm&) -> LayerShapes {
                          const ArrayShape channels = {in.channels};
                          return {channels, channels, channels, channels};
                        },
                        [](const auto&) -> LayerShapes { return {}; },
                    },
                    layer.op);
}

void require_shape(const std::string& layer, std::string_view array, const Array& actual,
                   const ArrayShape& expected) {
  std::size_t count = expected.empty() ? 0 : 1;
  for (const std::int64_t extent : expected) count *= static_cast<std::size_t>(extent);
  if (actual.shape != expected || actual.values.size() != count) {
    throw invalid_argument("weights of layer '{}': {} is [{}] with {} values, expected [{}]", layer,
                           array, fmt::join(actual.shape, ", "), actual.values.size(),
                           fmt::join(expected, ", "));
  }
}

}  // namespace

void verify(const Network& network, const Weights& weights) {
  const std::vector<Shape> shapes = infer_shapes(network);
  std::size_t layers_with_weights = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const LayerShapes expected =
        expected_shapes(layer, input_shape(network, shapes, static_cast<int>(i)));
    const auto found = weights.layers.find(layer.name);
    if (found == weights.layers.end()) {
      if (expected.weight.empty()) continue;
      throw invalid_argument("weights of layer '{}' ({}) are missing", layer.name,
                             operator_name(layer.op));
    }
    ++layers_with_weights;
    require_shape(layer.name, "weight", found->second.weight, expected.weight);
    require_shape(layer.name, "bias", found->second.bias, expected.bias);
    require_shape(layer.name, "running_mean", found->second.running_mean, expected.running_mean);
    require_shape(layer.name, "running_var", found->second.running_var, expected.running_var);
  }
  if (layers_with_weights == weights.layers.size()) return;
  std::vector<std::string_view> names;
  for (const Layer& layer : network.layers) names.push_back(layer.name);
  for (const auto& [name, arrays] : weights.layers) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      throw invalid_argument("weights of '{}', but the network has no such layer", name);
    }
  }
}

}  // namespace hwnas::ir
