#pragma once

#include <cmath>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "core/rng.hpp"
#include "ir/overloaded.hpp"
#include "ir/weights.hpp"

/// Small networks that together use every operator and every attribute: what anything that
/// executes, converts or stores networks is tested on.
namespace hwnas::ir::zoo {

struct ZooNetwork {
  std::string name;
  Network network;
};

inline std::ostream& operator<<(std::ostream& out, const ZooNetwork& entry) {
  return out << entry.name;
}

/// Appends layers; each call returns the index of the new one. Names count up: "conv2d_0", ….
class Builder {
 public:
  explicit Builder(const Shape& input) : network_{.input = input, .layers = {}} {}

  int add(const Operator& op, std::vector<int> inputs) {
    const int index = static_cast<int>(network_.layers.size());
    network_.layers.push_back({.name = std::string(operator_name(op)) + "_" + std::to_string(index),
                               .op = op,
                               .inputs = std::move(inputs),
                               .precision = {}});
    return index;
  }
  /// Reads the layer before it.
  int add(const Operator& op) { return add(op, {static_cast<int>(network_.layers.size()) - 1}); }
  /// Convolution, batch norm, activation.
  int conv_block(const Conv2d& conv, ActivationKind kind) {
    add(conv);
    add(BatchNorm{});
    return add(Activation{kind});
  }
  Network take() { return std::move(network_); }

 private:
  Network network_;
};

inline Window square(int kernel, int stride = 1) {
  const int pad = kernel / 2;
  return {kernel, kernel, stride, stride, {pad, pad, pad, pad}};
}

inline Conv2d conv(int out_channels, const Window& window, int groups = 1, bool bias = false) {
  Conv2d result;
  result.out_channels = out_channels;
  result.window = window;
  result.groups = groups;
  result.bias = bias;
  return result;
}

inline Network plain() {
  Builder net({3, 9, 7});
  net.add(conv(4, square(3), 1, true));
  net.add(Activation{ActivationKind::kRelu});
  net.add(Pool{PoolKind::kMax, {2, 3, 2, 2, {}}});
  net.add(conv(5, {2, 1, 1, 1, {}}));
  net.add(Activation{ActivationKind::kSigmoid});
  net.add(Flatten{});
  net.add(Linear{6});
  return net.take();
}

inline Network inverted_residual() {
  Builder net({3, 12, 12});
  const int stem = net.conv_block(conv(8, square(3, 2)), ActivationKind::kRelu6);
  net.conv_block(conv(24, square(1)), ActivationKind::kRelu6);
  net.conv_block(conv(24, square(5), 24), ActivationKind::kRelu6);
  net.add(conv(8, square(1)));
  const int projected = net.add(BatchNorm{});
  net.add(Add{}, {stem, projected});
  net.add(GlobalAveragePool{});
  net.add(Linear{4});
  return net.take();
}

inline Network squeeze_excite() {
  Builder net({2, 8, 8});
  const int features = net.conv_block(conv(8, square(3)), ActivationKind::kHardSwish);
  net.add(GlobalAveragePool{});
  net.add(conv(2, square(1), 1, true));
  net.add(Activation{ActivationKind::kRelu});
  net.add(conv(8, square(1), 1, true));
  const int gate = net.add(Activation{ActivationKind::kHardSigmoid});
  net.add(Mul{}, {features, gate});
  net.conv_block(conv(6, square(3, 2)), ActivationKind::kHardSwish);
  net.add(GlobalAveragePool{});
  net.add(Linear{3});
  return net.take();
}

inline Network branches() {
  Builder net({3, 8, 8});
  const int stem = net.conv_block(conv(4, square(3)), ActivationKind::kRelu);
  const int left = net.add(conv(3, square(1)), {stem});
  const int middle = net.add(Pool{PoolKind::kMax, square(3)}, {stem});
  const int right = net.add(Pool{PoolKind::kAverage, square(3)}, {stem});
  const int gated = net.add(Mul{}, {middle, right});
  const int joined = net.add(Concat{}, {left, middle, gated});
  net.add(conv(4, square(3, 2)), {joined});
  net.add(Flatten{});
  net.add(Linear{5, false});
  return net.take();
}

inline Network signal() {
  Builder net({6, 1, 32});
  net.conv_block(conv(8, {1, 5, 1, 2, {0, 2, 0, 2}}), ActivationKind::kRelu);
  net.conv_block(conv(16, {1, 3, 1, 1, {0, 1, 0, 1}}, 8), ActivationKind::kRelu);
  net.add(Pool{PoolKind::kAverage, {1, 2, 1, 2, {}}});
  net.add(GlobalAveragePool{});
  net.add(Linear{4});
  return net.take();
}

inline Network asymmetric_padding() {
  Builder net({2, 7, 10});
  net.add(conv(4, {3, 3, 2, 2, {0, 0, 1, 1}}));
  net.add(Activation{ActivationKind::kRelu6});
  net.add(Pool{PoolKind::kAverage, {2, 3, 1, 1, {1, 0, 0, 2}}});
  net.add(Pool{PoolKind::kMax, {3, 2, 1, 2, {0, 1, 2, 0}}});
  net.add(conv(3, {4, 2, 1, 1, {3, 0, 1, 2}}, 1, true));
  net.add(Flatten{});
  net.add(Linear{3});
  return net.take();
}

inline Network dilated_groups() {
  Builder net({4, 12, 11});
  Conv2d dilated = conv(6, {3, 3, 1, 1, {2, 3, 2, 3}}, 2);
  dilated.dilation_height = 2;
  dilated.dilation_width = 3;
  net.conv_block(dilated, ActivationKind::kRelu);
  dilated.out_channels = 12;
  dilated.groups = 6;
  dilated.window.stride_width = 2;
  net.conv_block(dilated, ActivationKind::kRelu);
  net.add(GlobalAveragePool{});
  net.add(Linear{3});
  return net.take();
}

/// A cell with `none` edges: as a term, as the only term left out, and as a strided one.
inline Network zero_edges() {
  Builder net({3, 8, 8});
  const int stem = net.conv_block(conv(4, square(3)), ActivationKind::kRelu);
  const int none = net.add(Zero{}, {stem});
  const int conv1 = net.add(conv(4, square(3)), {stem});
  const int sum = net.add(Add{}, {none, conv1, stem});
  const int none2 = net.add(Zero{}, {sum});
  const int only = net.add(Add{}, {none2, sum});
  const int half = net.add(Zero{2}, {only});
  const int pooled = net.add(Pool{PoolKind::kAverage, {2, 2, 2, 2, {}}}, {only});
  net.add(Add{}, {half, pooled});
  net.add(GlobalAveragePool{});
  net.add(Linear{3});
  return net.take();
}

/// Pre-activation blocks: batch norms that follow no convolution, or one that others read too.
inline Network standalone_batch_norm() {
  Builder net({3, 6, 6});
  net.add(BatchNorm{});
  const int stem = net.add(conv(4, square(3)));
  net.add(BatchNorm{1e-3F});
  net.add(BatchNorm{});
  net.add(Activation{ActivationKind::kRelu});
  const int body = net.add(conv(4, square(3), 4));
  net.add(Add{}, {stem, body});
  net.add(BatchNorm{});
  net.add(BatchNorm{});
  net.add(GlobalAveragePool{});
  net.add(Linear{3});
  return net.take();
}

inline Network probabilities() {
  Builder net({1, 1, 20});
  net.add(Flatten{});
  net.add(Linear{12, false});
  net.add(BatchNorm{});
  net.add(Activation{ActivationKind::kRelu});
  net.add(Linear{5});
  net.add(Softmax{});
  return net.take();
}

inline Network explicit_pad() {
  Builder net({2, 5, 6});
  net.add(Pad{{1, 2, 0, 3}});
  net.add(conv(4, {3, 3, 2, 2, {}}));
  net.add(BatchNorm{});
  net.add(Activation{ActivationKind::kHardSigmoid});
  net.add(Pad{{0, 0, 1, 0}});
  net.add(Flatten{});
  net.add(Linear{3});
  return net.take();
}

/// Ends in a spatial convolution, has mixed precision and reads the input twice.
inline Network fully_convolutional() {
  Builder net({3, 6, 6});
  const int left = net.add(conv(4, square(3)), {kNetworkInput});
  const int right = net.add(conv(4, square(1), 1, true), {kNetworkInput});
  net.add(Add{}, {left, right, left});
  net.add(Activation{ActivationKind::kHardSwish});
  net.add(conv(2, square(3, 3)));
  Network network = net.take();
  network.layers[0].precision = {4, 8};
  network.layers[4].precision = {32, 16};
  return network;
}

inline std::vector<ZooNetwork> networks() {
  return {{"plain", plain()},
          {"inverted_residual", inverted_residual()},
          {"squeeze_excite", squeeze_excite()},
          {"branches", branches()},
          {"signal", signal()},
          {"asymmetric_padding", asymmetric_padding()},
          {"dilated_groups", dilated_groups()},
          {"zero_edges", zero_edges()},
          {"standalone_batch_norm", standalone_batch_norm()},
          {"probabilities", probabilities()},
          {"explicit_pad", explicit_pad()},
          {"fully_convolutional", fully_convolutional()}};
}

inline Array random_array(std::vector<std::int64_t> shape, float min, float max, Rng& rng) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  Array array{std::move(shape), std::vector<float>(count)};
  for (float& value : array.values) {
    value = min + (max - min) * static_cast<float>(rng.uniform());
  }
  return array;
}

/// Weights that keep activations of about unit size; batch norms far from the identity.
inline Weights random_weights(const Network& network, std::uint64_t seed) {
  Rng rng(seed);
  Weights weights;
  const std::vector<Shape> shapes = infer_shapes(network);
  const auto dense = [&](std::vector<std::int64_t> shape, bool bias) {
    const std::int64_t channels = shape[0];
    std::int64_t fan_in = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= shape[i];
    const float bound = std::sqrt(6.0F / static_cast<float>(fan_in));
    LayerWeights result;
    result.weight = random_array(std::move(shape), -bound, bound, rng);
    if (bias) result.bias = random_array({channels}, -0.5F, 0.5F, rng);
    return result;
  };
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const std::int64_t channels = input_shape(network, shapes, static_cast<int>(i)).channels;
    std::visit(
        overloaded{
            [&](const Conv2d& conv) {
              weights.layers[layer.name] =
                  dense({conv.out_channels, channels / conv.groups, conv.window.kernel_height,
                         conv.window.kernel_width},
                        conv.bias);
            },
            [&](const Linear& linear) {
              weights.layers[layer.name] = dense({linear.out_features, channels}, linear.bias);
            },
            [&](const BatchNorm&) {
              weights.layers[layer.name] = {random_array({channels}, -1.5F, 1.5F, rng),
                                            random_array({channels}, -0.5F, 0.5F, rng),
                                            random_array({channels}, -0.5F, 0.5F, rng),
                                            random_array({channels}, 0.2F, 2.0F, rng)};
            },
            [](const auto&) {},
        },
        layer.op);
  }
  return weights;
}

/// Uniform in [0, 1): what an artifact takes.
inline std::vector<float> random_input(const Network& network, std::uint64_t seed) {
  Rng rng(seed);
  return random_array({network.input.elements()}, 0.0F, 1.0F, rng).values;
}

}  // namespace hwnas::ir::zoo
