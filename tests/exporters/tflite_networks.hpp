#pragma once

#include <vector>

#include "tests/ir/network_zoo.hpp"

namespace hwnas::exporters {

/// Padding of convolutions and maximum pooling that is neither SAME nor VALID.
inline ir::Network explicit_paddings() {
  ir::zoo::Builder net({2, 7, 10});
  net.add(ir::zoo::conv(4, {3, 3, 2, 2, {2, 0, 1, 1}}));
  net.add(ir::Activation{ir::ActivationKind::kRelu6});
  net.add(ir::Pool{ir::PoolKind::kMax, {3, 2, 1, 2, {0, 1, 2, 0}}});
  net.add(ir::zoo::conv(3, {4, 2, 1, 1, {3, 0, 1, 2}}, 1, true));
  net.add(ir::Flatten{});
  net.add(ir::Linear{3});
  return net.take();
}

/// An average with stride 2 and padding on all sides, as ResNets and NAS-Bench have it.
inline ir::Network strided_average() {
  ir::zoo::Builder net({3, 8, 8});
  net.conv_block(ir::zoo::conv(6, ir::zoo::square(3)), ir::ActivationKind::kRelu);
  net.add(ir::Pool{ir::PoolKind::kAverage, ir::zoo::square(3, 2)});
  net.add(ir::zoo::conv(5, ir::zoo::square(1)));
  net.add(ir::GlobalAveragePool{});
  net.add(ir::Linear{4});
  return net.take();
}

/// A squeeze-and-excite gate of linear layers, whose values have rank 2; activations of their own;
/// a depthwise convolution with two filters a channel.
inline ir::Network flat_gate() {
  ir::zoo::Builder net({4, 6, 6});
  const int features =
      net.conv_block(ir::zoo::conv(8, ir::zoo::square(3), 4, true), ir::ActivationKind::kHardSwish);
  net.add(ir::GlobalAveragePool{}, {features});
  net.add(ir::Linear{4});
  net.add(ir::Activation{ir::ActivationKind::kRelu});
  net.add(ir::Linear{8});
  const int gate = net.add(ir::Activation{ir::ActivationKind::kSigmoid});
  const int gated = net.add(ir::Mul{}, {features, gate});
  const int sharp = net.add(ir::Activation{ir::ActivationKind::kHardSigmoid}, {gated});
  const int clipped = net.add(ir::Activation{ir::ActivationKind::kRelu6}, {gated});
  net.add(ir::Mul{}, {sharp, clipped});
  net.add(ir::GlobalAveragePool{});
  net.add(ir::Linear{5, false});
  net.add(ir::Softmax{});
  return net.take();
}

/// What write_tflite takes of the zoo (asymmetric_padding averages over a padding that TensorFlow
/// Lite does not have), and more.
inline std::vector<ir::zoo::ZooNetwork> tflite_networks() {
  std::vector<ir::zoo::ZooNetwork> networks = ir::zoo::networks();
  std::erase_if(networks, [](const auto& entry) { return entry.name == "asymmetric_padding"; });
  networks.push_back({"explicit_paddings", explicit_paddings()});
  networks.push_back({"strided_average", strided_average()});
  networks.push_back({"flat_gate", flat_gate()});
  return networks;
}

}  // namespace hwnas::exporters
