#include "spaces/builder.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hwnas::spaces {

namespace {

int slide(int extent, int padding, int kernel, int stride) {
  return (extent + padding - kernel) / stride + 1;
}

ir::Shape windowed(const ir::Shape& in, int channels, const ir::Window& window) {
  const auto& [top, left, bottom, right] = window.padding;
  return {.channels = channels,
          .height = slide(in.height, top + bottom, window.kernel_height, window.stride_height),
          .width = slide(in.width, left + right, window.kernel_width, window.stride_width)};
}

/// Pixels that ⌈extent/stride⌉ windows reach beyond the extent.
int missing(int extent, int kernel, int stride) {
  const int windows = (extent + stride - 1) / stride;
  return std::max(0, (windows - 1) * stride + kernel - extent);
}

}  // namespace

ir::Window same_window(const ir::Shape& in, Size2d kernel, Size2d stride) {
  const int height = missing(in.height, kernel.height, stride.height);
  const int width = missing(in.width, kernel.width, stride.width);
  return {.kernel_height = kernel.height,
          .kernel_width = kernel.width,
          .stride_height = stride.height,
          .stride_width = stride.width,
          .padding = {.top = height / 2,
                      .left = width / 2,
                      .bottom = height - height / 2,
                      .right = width - width / 2}};
}

Tensor NetworkBuilder::append(std::string name, ir::Operator op, std::vector<int> inputs,
                              ir::Shape shape) {
  network_.layers.push_back({std::move(name), std::move(op), std::move(inputs), {}});
  return {static_cast<int>(network_.layers.size()) - 1, shape};
}

Tensor NetworkBuilder::conv(std::string name, const Tensor& in, const ConvSpec& spec) {
  const ir::Conv2d conv{.out_channels = spec.out_channels,
                        .window = same_window(in.shape, spec.kernel, spec.stride),
                        .groups = spec.groups,
                        .bias = spec.bias};
  return append(std::move(name), conv, {in.layer},
                windowed(in.shape, spec.out_channels, conv.window));
}

Tensor NetworkBuilder::batch_norm(std::string name, const Tensor& in) {
  return append(std::move(name), ir::BatchNorm{}, {in.layer}, in.shape);
}

Tensor NetworkBuilder::activation(std::string name, const Tensor& in, ir::ActivationKind kind) {
  return append(std::move(name), ir::Activation{kind}, {in.layer}, in.shape);
}

Tensor NetworkBuilder::add(std::string name, const std::vector<Tensor>& terms) {
  assert(terms.size() >= 2);
  std::vector<int> inputs;
  for (const Tensor& term : terms) inputs.push_back(term.layer);
  return append(std::move(name), ir::Add{}, std::move(inputs), terms.front().shape);
}

Tensor NetworkBuilder::pool(std::string name, const Tensor& in, ir::PoolKind kind,
                            const ir::Window& window) {
  return append(std::move(name), ir::Pool{kind, window}, {in.layer},
                windowed(in.shape, in.shape.channels, window));
}

Tensor NetworkBuilder::downsample(std::string name, const Tensor& in, int factor) {
  const ir::Window window{.kernel_height = factor,
                          .kernel_width = factor,
                          .stride_height = factor,
                          .stride_width = factor,
                          .padding = {.bottom = missing(in.shape.height, factor, factor),
                                      .right = missing(in.shape.width, factor, factor)}};
  return pool(std::move(name), in, ir::PoolKind::kAverage, window);
}

Tensor NetworkBuilder::zero(std::string name, const Tensor& in) {
  return append(std::move(name), ir::Zero{}, {in.layer}, in.shape);
}

Tensor NetworkBuilder::global_average_pool(std::string name, const Tensor& in) {
  return append(std::move(name), ir::GlobalAveragePool{}, {in.layer},
                {.channels = in.shape.channels});
}

Tensor NetworkBuilder::linear(std::string name, const Tensor& in, int out_features) {
  return append(std::move(name), ir::Linear{.out_features = out_features}, {in.layer},
                {.channels = out_features});
}

Tensor NetworkBuilder::conv_bn(const std::string& name, const Tensor& in, const ConvSpec& spec) {
  return batch_norm(name + ".bn", conv(name + ".conv", in, spec));
}

Tensor NetworkBuilder::conv_bn_act(const std::string& name, const Tensor& in, const ConvSpec& spec,
                                   ir::ActivationKind kind) {
  return activation(name + ".act", conv_bn(name, in, spec), kind);
}

Tensor NetworkBuilder::depthwise_bn_act(const std::string& name, const Tensor& in, Size2d kernel,
                                        Size2d stride, ir::ActivationKind kind) {
  const int channels = in.shape.channels;
  return conv_bn_act(name, in, {channels, kernel, stride, channels}, kind);
}

Tensor NetworkBuilder::separable(const std::string& name, const Tensor& in, const ConvSpec& spec,
                                 ir::ActivationKind kind) {
  const Tensor filtered = depthwise_bn_act(name + ".depthwise", in, spec.kernel, spec.stride, kind);
  return conv_bn_act(name + ".pointwise", filtered, {.out_channels = spec.out_channels}, kind);
}

Tensor NetworkBuilder::squeeze_excite(const std::string& name, const Tensor& in, int squeezed) {
  Tensor gate = global_average_pool(name + ".pool", in);
  gate = conv(name + ".reduce", gate, {.out_channels = squeezed, .bias = true});
  gate = activation(name + ".act", gate, ir::ActivationKind::kRelu);
  gate = conv(name + ".expand", gate, {.out_channels = in.shape.channels, .bias = true});
  gate = activation(name + ".gate", gate, ir::ActivationKind::kHardSigmoid);
  return append(name + ".scale", ir::Mul{}, {in.layer, gate.layer}, in.shape);
}

ir::Network NetworkBuilder::finish(const Tensor& features, int classes,
                                   const std::string& name) && {
  linear(name, features, classes);
  ir::verify(network_);
  return std::move(network_);
}

}  // namespace hwnas::spaces
