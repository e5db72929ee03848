#pragma once

#include <string>
#include <utility>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::bench {

/// A network under construction: each call appends layers and returns the index of the last.
class Graph {
 public:
  explicit Graph(const ir::Shape& input) : network_{.input = input, .layers = {}} {}

  int add(const ir::Operator& op, std::vector<int> inputs) {
    const int index = static_cast<int>(network_.layers.size());
    network_.layers.push_back({.name = "layer" + std::to_string(index),
                               .op = op,
                               .inputs = std::move(inputs),
                               .precision = {}});
    return index;
  }
  /// As large as its input, divided by the stride.
  int conv(int from, int channels, int kernel, int stride = 1, int groups = 1) {
    ir::Conv2d conv;
    conv.out_channels = channels;
    conv.groups = groups;
    conv.bias = true;
    const int pad = kernel / 2;
    conv.window = {kernel, kernel, stride, stride, {pad, pad, pad, pad}};
    return add(conv, {from});
  }
  int separable(int from, int channels, int kernel) {
    return conv(conv(from, channels, kernel, 1, channels), channels, 1);
  }
  int sum(const std::vector<int>& from) {
    return from.size() == 1 ? from.front() : add(ir::Add{}, from);
  }
  ir::Network take() { return std::move(network_); }

 private:
  ir::Network network_;
};

}  // namespace hwnas::bench
