#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/rng.hpp"
#include "ir/network.hpp"

/// Networks of the public benchmarks that the estimators' constants are compared with, and random
/// ones for properties.
namespace hwnas::estimators::testing {

/// Appends layers; each call returns the index of the new one.
class Builder {
 public:
  explicit Builder(const ir::Shape& input)
      : network_{.input = input, .layers = {}}, shape_(input) {}

  int add(const ir::Operator& op, std::vector<int> inputs) {
    const int index = static_cast<int>(network_.layers.size());
    network_.layers.push_back({.name = fmt::format("layer{}", index),
                               .op = op,
                               .inputs = std::move(inputs),
                               .precision = {}});
    return index;
  }
  int last() const { return static_cast<int>(network_.layers.size()) - 1; }
  int add(const ir::Operator& op) { return add(op, {last()}); }

  /// Convolution with TensorFlow's "same" padding, batch norm, and relu if asked for.
  int conv(int from, int channels, int kernel_height, int kernel_width, int stride_height,
           int stride_width, int groups, bool relu) {
    const ir::Shape in = shape_of(from);
    ir::Conv2d conv;
    conv.out_channels = channels;
    conv.groups = groups;
    conv.window = {kernel_height, kernel_width, stride_height, stride_width,
                   same_padding(in, kernel_height, kernel_width, stride_height, stride_width)};
    add(conv, {from});
    add(ir::BatchNorm{});
    if (relu) add(ir::Activation{});
    return last();
  }
  int conv(int from, int channels, int kernel, int stride, bool relu = true) {
    return conv(from, channels, kernel, kernel, stride, stride, 1, relu);
  }
  int depthwise(int from, int kernel, int stride) {
    const int channels = shape_of(from).channels;
    return conv(from, channels, kernel, kernel, stride, stride, channels, true);
  }
  ir::Shape shape_of(int layer) const {
    return layer == ir::kNetworkInput ? shape_ : ir::infer_shapes(network_)[layer];
  }
  ir::Network classifier(int classes) {
    add(ir::GlobalAveragePool{});
    add(ir::Linear{classes});
    return take();
  }
  ir::Network take() { return std::move(network_); }

 private:
  static ir::Padding same_padding(const ir::Shape& in, int kernel_height, int kernel_width,
                                  int stride_height, int stride_width) {
    const auto total = [](int extent, int kernel, int stride) {
      const int out = (extent + stride - 1) / stride;
      return std::max(0, (out - 1) * stride + kernel - extent);
    };
    const int vertical = total(in.height, kernel_height, stride_height);
    const int horizontal = total(in.width, kernel_width, stride_width);
    return {vertical / 2, horizontal / 2, vertical - vertical / 2, horizontal - horizontal / 2};
  }

  ir::Network network_;
  ir::Shape shape_;
};

/// MLPerf Tiny's image classification reference.
inline ir::Network resnet8() {
  Builder net({3, 32, 32});
  int x = net.conv(ir::kNetworkInput, 16, 3, 1);
  for (const int channels : {16, 32, 64}) {
    const int stride = channels == 16 ? 1 : 2;
    net.conv(x, channels, 3, stride);
    const int body = net.conv(net.last(), channels, 3, 1, false);
    const int shortcut = stride == 1 ? x : net.conv(x, channels, 1, stride, false);
    net.add(ir::Add{}, {body, shortcut});
    x = net.add(ir::Activation{});
  }
  return net.classifier(10);
}

/// MLPerf Tiny's keyword spotting reference.
inline ir::Network ds_cnn() {
  Builder net({1, 49, 10});
  net.conv(ir::kNetworkInput, 64, 10, 4, 2, 2, 1, true);
  for (int block = 0; block < 4; ++block) {
    net.depthwise(net.last(), 3, 1);
    net.conv(net.last(), 64, 1, 1);
  }
  return net.classifier(12);
}

/// MobileNetV1 (Howard et al. 2017, Table 1); 0.25 at 96 is MLPerf Tiny's visual wake words
/// reference. `numerator`/4 is the width multiplier.
inline ir::Network mobilenet_v1(int numerator, int resolution, int classes) {
  Builder net({3, resolution, resolution});
  net.conv(ir::kNetworkInput, 32 * numerator / 4, 3, 2);
  const auto block = [&](int channels, int stride) {
    net.depthwise(net.last(), 3, stride);
    net.conv(net.last(), channels * numerator / 4, 1, 1);
  };
  block(64, 1);
  for (const int channels : {128, 256, 512}) {
    block(channels, 2);
    block(channels, 1);
  }
  for (int i = 0; i < 4; ++i) block(512, 1);
  block(1024, 2);
  block(1024, 1);
  return net.classifier(classes);
}

/// MLPerf Tiny's anomaly detection reference.
inline ir::Network autoencoder() {
  Builder net({640, 1, 1});
  for (const int features : {128, 128, 128, 128, 8, 128, 128, 128, 128}) {
    net.add(ir::Linear{features}, {net.last()});
    net.add(ir::BatchNorm{});
    net.add(ir::Activation{});
  }
  net.add(ir::Linear{640});
  return net.take();
}

/// Blocks of three convolutions with a skip over each: 30 convolutions, some shortcuts projected.
inline ir::Network residual_network(int blocks) {
  Builder net({3, 64, 64});
  int x = net.conv(ir::kNetworkInput, 16, 3, 2);
  for (int block = 0; block < blocks; ++block) {
    const int channels = 16 + 16 * (block / 3);
    const int stride = block % 3 == 0 && block > 0 ? 2 : 1;
    net.conv(x, 4 * channels, 1, 1);
    net.depthwise(net.last(), 3, stride);
    const int body = net.conv(net.last(), channels, 1, 1, false);
    const int shortcut = stride == 1 ? x : net.conv(x, channels, 1, stride, false);
    x = net.add(ir::Add{}, {body, shortcut});
  }
  return net.classifier(10);
}

/// NAS-Bench-201 (Dong and Yang 2020) with `cells` cells a stage; `ops` are six digits, edges (0,1)
/// (0,2)(1,2)(0,3)(1,3)(2,3): 0 none, 1 skip, 2 1x1, 3 3x3, 4 average pooling.
inline ir::Network nasbench201(const std::string& ops, int cells = 5) {
  Builder net({3, 32, 32});
  int x = net.conv(ir::kNetworkInput, 16, 3, 1, false);
  const auto edge = [&](int from, char op, int channels) {
    if (op == '0') return net.add(ir::Zero{}, {from});
    if (op == '1') return from;
    if (op == '4') {
      return net.add(ir::Pool{ir::PoolKind::kAverage, {3, 3, 1, 1, {1, 1, 1, 1}}}, {from});
    }
    const int relu = net.add(ir::Activation{}, {from});
    return net.conv(relu, channels, op == '2' ? 1 : 3, 1, false);
  };
  for (int channels = 16; channels <= 64; channels *= 2) {
    if (channels > 16) {
      const int relu = net.add(ir::Activation{}, {x});
      net.conv(relu, channels, 3, 2);
      const int body = net.conv(net.last(), channels, 3, 1, false);
      const int pooled = net.add(ir::Pool{ir::PoolKind::kAverage, {2, 2, 2, 2, {}}}, {x});
      const int shortcut = net.conv(pooled, channels, 1, 1, false);
      x = net.add(ir::Add{}, {body, shortcut});
    }
    for (int cell = 0; cell < cells; ++cell) {
      const int node1 = edge(x, ops[0], channels);
      const int node2 =
          net.add(ir::Add{}, {edge(x, ops[1], channels), edge(node1, ops[2], channels)});
      x = net.add(ir::Add{}, {edge(x, ops[3], channels), edge(node1, ops[4], channels),
                              edge(node2, ops[5], channels)});
    }
  }
  net.add(ir::BatchNorm{});
  net.add(ir::Activation{});
  return net.classifier(10);
}

/// A random graph of about `layers` layers in which every layer is used. All tensors have 4 x 4
/// pixels; channel counts vary, so sums read convolutions made to fit.
inline ir::Network random_network(int layers, Rng& rng) {
  Builder net({1 + static_cast<int>(rng.index(8)), 4, 4});
  std::vector<int> channels;
  std::vector<bool> used;
  const auto pick = [&] {
    // The input or one of the last few layers: branches that stay alive for a while.
    const int count = static_cast<int>(channels.size());
    const int reach = std::min(count + 1, 4);
    const int layer = count - 1 - static_cast<int>(rng.index(static_cast<std::uint64_t>(reach)));
    if (layer >= 0) used[layer] = true;
    return layer;
  };
  const auto record = [&](int c) {
    channels.push_back(c);
    used.push_back(false);
  };
  const auto channels_of = [&](int layer) {
    return layer < 0 ? net.shape_of(layer).channels : channels[layer];
  };
  ir::Conv2d conv;
  while (static_cast<int>(channels.size()) < layers) {
    const int source = pick();
    switch (rng.index(5)) {
      case 0:
        net.add(ir::Activation{rng.bernoulli(0.5) ? ir::ActivationKind::kRelu
                                                  : ir::ActivationKind::kHardSwish},
                {source});
        record(channels_of(source));
        break;
      case 1: {
        const int other = pick();
        if (channels_of(other) == channels_of(source)) {
          net.add(ir::Add{}, {source, other});
          record(channels_of(source));
        } else {
          net.add(ir::Concat{}, {source, other});
          record(channels_of(source) + channels_of(other));
        }
        break;
      }
      default:
        conv.out_channels = 1 + static_cast<int>(rng.index(12));
        net.add(conv, {source});
        record(conv.out_channels);
    }
  }
  std::vector<int> loose;
  for (int layer = 0; layer < layers; ++layer) {
    if (!used[layer]) loose.push_back(layer);
  }
  if (loose.size() > 1) net.add(ir::Concat{}, loose);
  net.add(ir::Activation{ir::ActivationKind::kHardSwish});
  return net.take();
}

}  // namespace hwnas::estimators::testing
