#include "ir/initial_weights.hpp"

#include <cmath>

#include "core/rng.hpp"

namespace hwnas::ir {
namespace {

Array filled(std::vector<std::int64_t> shape, float value) {
  std::int64_t count = 1;
  for (const auto extent : shape) count *= extent;
  return {std::move(shape), std::vector<float>(static_cast<std::size_t>(count), value)};
}

LayerWeights of_convolution(const Conv2d& conv, int in_channels, Rng& rng) {
  const Window& window = conv.window;
  LayerWeights layer;
  layer.weight = filled(
      {conv.out_channels, in_channels / conv.groups, window.kernel_height, window.kernel_width}, 0);
  const double fan_out =
      double(conv.out_channels) / conv.groups * window.kernel_height * window.kernel_width;
  const double deviation = std::sqrt(2 / fan_out);
  for (float& value : layer.weight.values) value = static_cast<float>(deviation * rng.normal());
  if (conv.bias) layer.bias = filled({conv.out_channels}, 0);
  return layer;
}

LayerWeights of_linear(const Linear& linear, int in_features, Rng& rng) {
  LayerWeights layer;
  layer.weight = filled({linear.out_features, in_features}, 0);
  const double bound = 1 / std::sqrt(double(in_features));
  for (float& value : layer.weight.values) {
    value = static_cast<float>(bound * (2 * rng.uniform() - 1));
  }
  if (linear.bias) layer.bias = filled({linear.out_features}, 0);
  return layer;
}

}  // namespace

Weights initial_weights(const Network& network, std::uint64_t seed) {
  const auto shapes = infer_shapes(network);
  Weights weights;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const int channels = input_shape(network, shapes, static_cast<int>(i)).channels;
    // A stream a layer: changing one layer leaves the others' weights as they were.
    Rng rng(derive_seed(seed, {i}));
    if (const auto* conv = std::get_if<Conv2d>(&layer.op)) {
      weights.layers[layer.name] = of_convolution(*conv, channels, rng);
    } else if (const auto* linear = std::get_if<Linear>(&layer.op)) {
      weights.layers[layer.name] = of_linear(*linear, channels, rng);
    } else if (std::holds_alternative<BatchNorm>(layer.op)) {
      weights.layers[layer.name] = {.weight = filled({channels}, 1),
                                    .bias = filled({channels}, 0),
                                    .running_mean = filled({channels}, 0),
                                    .running_var = filled({channels}, 1)};
    }
  }
  return weights;
}

}  // namespace hwnas::ir
