#pragma once

#include <string>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::spaces {

/// Height and width of a kernel or a stride.
struct Size2d {
  int height = 1;
  int width = 1;
  bool operator==(const Size2d&) const = default;
};

constexpr Size2d square(int side) {
  return {side, side};
}

/// A value of the network under construction: the layer that makes it, and its shape.
struct Tensor {
  int layer = ir::kNetworkInput;
  ir::Shape shape;
};

struct ConvSpec {
  int out_channels = 0;
  Size2d kernel = {};
  Size2d stride = {};
  int groups = 1;
  bool bias = false;
};

/// A window with just the padding that ⌈extent/stride⌉ positions take, the odd pixel below and to
/// the right: TensorFlow's "same". Runtimes for microcontrollers know no other padding; any other
/// would cost them a copy of the tensor.
ir::Window same_window(const ir::Shape& in, Size2d kernel, Size2d stride);

/// Appends layers to a network. Block functions name their layers "<name>.conv", "<name>.bn",
/// "<name>.act", …
class NetworkBuilder {
 public:
  explicit NetworkBuilder(const ir::Shape& input) : network_{input, {}} {}

  Tensor input() const { return {ir::kNetworkInput, network_.input}; }

  // Single layers.
  Tensor conv(std::string name, const Tensor& in, const ConvSpec& spec);
  Tensor batch_norm(std::string name, const Tensor& in);
  Tensor activation(std::string name, const Tensor& in, ir::ActivationKind kind);
  Tensor add(std::string name, const std::vector<Tensor>& terms);
  Tensor pool(std::string name, const Tensor& in, ir::PoolKind kind, const ir::Window& window);
  /// Average over squares of `factor` pixels, those at the border included: ⌈extent/factor⌉.
  Tensor downsample(std::string name, const Tensor& in, int factor);
  /// All zeros of the input's shape.
  Tensor zero(std::string name, const Tensor& in);
  Tensor global_average_pool(std::string name, const Tensor& in);
  Tensor linear(std::string name, const Tensor& in, int out_features);

  // Blocks.
  Tensor conv_bn(const std::string& name, const Tensor& in, const ConvSpec& spec);
  Tensor conv_bn_act(const std::string& name, const Tensor& in, const ConvSpec& spec,
                     ir::ActivationKind kind);
  Tensor depthwise_bn_act(const std::string& name, const Tensor& in, Size2d kernel, Size2d stride,
                          ir::ActivationKind kind);
  /// Depthwise, then pointwise convolution, each with batch norm and activation (Howard et al.,
  /// "MobileNets", 2017, section 3.1).
  Tensor separable(const std::string& name, const Tensor& in, const ConvSpec& spec,
                   ir::ActivationKind kind);
  /// Pool, reduce to `squeezed` channels, ReLU, expand, hard sigmoid, multiply (Hu et al.,
  /// "Squeeze-and-Excitation Networks", 2018; the gate of MobileNetV3).
  Tensor squeeze_excite(const std::string& name, const Tensor& in, int squeezed);

  /// Adds the classifier, a linear layer over the flat `features`, and gives the verified network
  /// away. Throws InvalidArgument.
  ir::Network finish(const Tensor& features, int classes, const std::string& name = "logits") &&;

 private:
  Tensor append(std::string name, ir::Operator op, std::vector<int> inputs, ir::Shape shape);

  ir::Network network_;
};

}  // namespace hwnas::spaces
