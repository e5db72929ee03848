#include <limits>

#include "ir/network.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::ir {

namespace {

std::int64_t kernel_elements(const Conv2d& conv, const Shape& in) {
  return std::int64_t{in.channels / conv.groups} * conv.window.kernel_height *
         conv.window.kernel_width;
}

std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

template <typename CostOfLayer>
std::int64_t sum_over_layers(const Network& network, CostOfLayer cost) {
  const std::vector<Shape> shapes = infer_shapes(network);
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Shape in = input_shape(network, shapes, static_cast<int>(i));
    sum = saturating_add(sum, cost(network.layers[i], in, shapes[i]));
  }
  return sum;
}

}  // namespace

std::int64_t macs(const Layer& layer, const Shape& in, const Shape& out) {
  return std::visit(
      overloaded{
          [&](const Conv2d& conv) { return out.elements() * kernel_elements(conv, in); },
          [&](const Linear&) { return std::int64_t{out.channels} * in.channels; },
          [](const auto&) { return std::int64_t{0}; },
      },
      layer.op);
}

std::int64_t macs(const Network& network) {
  return sum_over_layers(network, [](const Layer& layer, const Shape& in, const Shape& out) {
    return macs(layer, in, out);
  });
}

std::int64_t parameters(const Layer& layer, const Shape& in) {
  return std::visit(
      overloaded{
          [&](const Conv2d& conv) {
            return conv.out_channels * (kernel_elements(conv, in) + (conv.bias ? 1 : 0));
          },
          [&](const Linear& linear) {
            return std::int64_t{linear.out_features} * (in.channels + (linear.bias ? 1 : 0));
          },
          [&](const BatchNorm&) { return std::int64_t{2} * in.channels; },
          [](const auto&) { return std::int64_t{0}; },
      },
      layer.op);
}

std::int64_t parameters(const Network& network) {
  return sum_over_layers(network, [](const Layer& layer, const Shape& in, const Shape&) {
    return parameters(layer, in);
  });
}

}  // namespace hwnas::ir
