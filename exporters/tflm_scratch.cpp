#include "exporters/tflm_scratch.hpp"

#include <algorithm>

#include "exporters/tflm_objects.hpp"
#include "exporters/tflm_operands.hpp"

namespace hwnas::exporters::tflm {

namespace {

using Requests = std::vector<std::int64_t>;

constexpr int kMaxFactor = 1 << 16;

std::int64_t rounded_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

bool has_mve(TflmBuild build) {
  return build == TflmBuild::kCortexM55CmsisNn;
}

bool has_dsp(TflmBuild build) {
  return build == TflmBuild::kCortexM4CmsisNn;
}

Requests unless_empty(std::int64_t bytes) {
  return bytes > 0 ? Requests{bytes} : Requests{};
}

/// Reference kernels unpack 4-bit weights.
Requests unpacked_weights(const Operands& operands) {
  const Tensor& weights = operands.input(1);
  return weights.type == Type::kInt4 ? Requests{weights.elements} : Requests{};
}

/// One axis of a convolution.
struct Axis {
  std::int64_t input;
  std::int64_t output;
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t dilation;
  bool is_same;

  std::int64_t padding() const {
    if (!is_same) return 0;
    const std::int64_t reach = (kernel - 1) * dilation + 1;
    const std::int64_t steps = (input + stride - 1) / stride;
    return std::max<std::int64_t>(0, (steps - 1) * stride + reach - input) / 2;
  }
};

struct Window {
  Axis height;
  Axis width;

  std::int64_t taps() const { return height.kernel * width.kernel; }
  bool is_dilated() const { return height.dilation != 1 || width.dilation != 1; }
  bool is_1x1() const {
    return taps() == 1 && !is_dilated() && height.padding() == 0 && width.padding() == 0;
  }
};

template <typename Table>
Window window_of(const Operands& operands, const Table& options) {
  const auto& input = operands.input(0, 4).dims;
  const auto& weights = operands.input(1, 4).dims;
  const auto& output = operands.output(4).dims;
  for (const int factor : {options.stride_h(), options.stride_w(), options.dilation_h_factor(),
                           options.dilation_w_factor()}) {
    if (factor < 1 || factor > kMaxFactor) throw invalid_argument("stride or dilation {}", factor);
  }
  const bool is_same = options.padding() == tflite::Padding::SAME;
  return {.height = {input[1], output[1], weights[1], options.stride_h(),
                     options.dilation_h_factor(), is_same},
          .width = {input[2], output[2], weights[2], options.stride_w(),
                    options.dilation_w_factor(), is_same}};
}

/// Four columns for arm_nn_mat_mult_nt_t_s8.
std::int64_t mve_columns(std::int64_t column) {
  return 4 * rounded_up(column, 16);
}

/// arm_convolve_1_x_n_s8 cuts a row into what has padding on the left, none, and on the right.
std::int64_t mve_row(const Axis& width, std::int64_t channels) {
  const std::int64_t left = width.padding();
  // Of an even window, or negative where the last pixels are not read; C's remainder, as there.
  const std::int64_t odd = ((width.output - 1) * width.stride + width.kernel - width.input) % 2;
  const auto outputs_with = [&](std::int64_t padding) {
    return std::max<std::int64_t>(1, (padding + width.stride - 1) / width.stride);
  };
  const std::int64_t on_right = left + odd != 0 ? outputs_with(left + odd) : 0;
  const std::int64_t on_left = left != 0 ? outputs_with(left) : 0;
  const std::int64_t between = std::max<std::int64_t>(0, width.output - on_right - on_left);
  if (on_left + between + on_right != width.output) return mve_columns(width.kernel * channels);
  const std::int64_t right_padding = odd != 0 ? on_right : left;
  return channels * std::max(width.kernel + left, width.kernel - 1 + right_padding);
}

std::int64_t cmsis_convolution(const Operands& operands, TflmBuild build) {
  const Window window = window_of(operands, operands.options<tflite::Conv2DOptions>());
  const std::int64_t channels = operands.input(0).dims[3];
  const std::int64_t column = window.taps() * channels;
  if (operands.input(0).type == Type::kInt16) {
    return has_mve(build) ? 64 * ((column + 7) / 8) : 4 * column;
  }
  if (window.is_1x1()) return 0;
  if (operands.input(1).type == Type::kInt4) return 4 * column;
  if (!has_mve(build)) return 4 * rounded_up(column, 4);
  const bool is_row = window.height.input == 1 && window.height.kernel == 1 &&
                      window.width.dilation == 1 && window.width.stride * channels % 4 == 0;
  return is_row ? mve_row(window.width, channels) : mve_columns(column);
}

std::int64_t cmsis_depthwise(const Operands& operands, TflmBuild build) {
  const Window window = window_of(operands, operands.options<tflite::DepthwiseConv2DOptions>());
  const Tensor& input = operands.input(0);
  const std::int64_t channels = input.dims[3];
  const std::int64_t outputs = operands.output().dims[3];
  if (input.type != Type::kInt8 || input.dims[0] != 1 || window.is_dilated()) return 0;
  if (channels != outputs) {
    // Runs as a convolution of one input channel, its weights transposed.
    const bool converts = has_mve(build) && channels == 1;
    return converts ? mve_columns(window.taps()) + outputs * window.taps() : 0;
  }
  const std::int64_t dsp_bytes = 2 * channels * window.taps();
  if (operands.input(1).type == Type::kInt4) return dsp_bytes;
  constexpr std::int64_t kBlockOfChannels = 124;
  if (has_mve(build)) return 4 * kBlockOfChannels * window.taps();
  const bool is_3x3 = window.height.kernel == 3 && window.width.kernel == 3 &&
                      window.height.padding() <= 1 && window.width.padding() <= 1;
  return has_dsp(build) && !is_3x3 ? dsp_bytes : 0;
}

std::int64_t cmsis_fully_connected(const Operands& operands, TflmBuild build) {
  if (operands.input(0).type != Type::kInt8) return 0;
  const Tensor& weights = operands.input(1, 2);
  const Tensor& output = operands.output();
  // Runs as a 1x1 convolution, which takes a multiplier and a shift for each channel.
  if (output.dims.size() > 2 && weights.dims[1] % 4 == 0) {
    return weights.scales > 1 ? 0 : 8 * std::int64_t{weights.dims[0]};
  }
  return has_mve(build) ? 4 * std::int64_t{weights.dims[0]} : 0;
}

std::int64_t cmsis_average(const Operands& operands, TflmBuild build) {
  const Tensor& input = operands.input(0, 4);
  const bool is_integer = input.type == Type::kInt8 || input.type == Type::kInt16;
  return is_integer && has_dsp(build) ? 4 * std::int64_t{input.dims[3]} : 0;
}

/// arm_transpose_conv_s8: as a convolution with reversed weights, or by adding up the products.
Requests cmsis_transposed_s8(const Operands& operands, TflmBuild build) {
  constexpr std::int64_t kMaxStride = 64;  // keeps the products below 2^63
  constexpr std::int64_t kEfficientAbove = 16;
  const auto& options = operands.options<tflite::TransposeConvOptions>();
  const auto& weights = operands.input(1, 4).dims;
  const auto& input = operands.input(2, 4).dims;
  const std::int64_t stride_h = options.stride_h();
  const std::int64_t stride_w = options.stride_w();
  for (const std::int64_t stride : {stride_h, stride_w}) {
    if (stride < 1 || stride > kMaxStride) throw invalid_argument("stride {}", stride);
  }
  const std::int64_t column = std::int64_t{weights[1]} * weights[2] * input[3];
  if (stride_h <= 2 && stride_w <= 2 && input[3] > kEfficientAbove) {
    return {has_mve(build) ? mve_columns(column) : 4 * rounded_up(column, 4), column * weights[0]};
  }
  const std::int64_t width =
      (std::int64_t{input[2]} - 1) * stride_w + std::max<std::int64_t>(weights[2], stride_h);
  const std::int64_t height = std::max<std::int64_t>(weights[1], stride_h);
  return {4 * weights[0] * width * height, 0};
}

Requests transposed_convolution(const Operands& operands, TflmBuild build) {
  const Type type = operands.input(2).type;
  const Tensor* const bias = operands.optional_input(3);
  if (type == Type::kInt8 && is_cmsis(build)) return cmsis_transposed_s8(operands, build);
  Requests requests;
  if (type == Type::kInt8) requests.push_back(4 * operands.output().elements);
  if (type == Type::kInt16) requests.push_back(8 * operands.output().elements);
  if (type == Type::kInt16 && bias != nullptr && bias->type == Type::kInt16) {
    requests.push_back(8 * bias->elements);
  }
  return requests;
}

Requests svdf(const Operands& operands) {
  const std::int64_t batch = operands.input(0, 2).dims[0];
  const std::int64_t filters = operands.input(1, 2).dims[0];
  if (operands.input(0).type != Type::kInt8) return {4 * batch * filters};
  return {4 * batch * filters, 4 * operands.output().elements};
}

Requests lstm(const Operands& operands, TflmBuild build) {
  constexpr std::size_t kHiddenState = 18;
  constexpr std::size_t kCellState = 19;
  const Tensor& cell = operands.input(kCellState);
  const bool is_integer = operands.input(0).type != Type::kFloat32;
  const std::int64_t bytes =
      operands.input(kHiddenState).elements * (cell.type == Type::kInt16 ? 2 : 4);
  return Requests(is_cmsis(build) && is_integer ? 3 : 4, bytes);
}

}  // namespace

std::vector<std::int64_t> kernel_scratch(const Graph& graph, const Node& node, TflmBuild build) {
  const Operands operands(graph, node);
  const bool is_float = !node.inputs.empty() && operands.input(0).type == Type::kFloat32;
  switch (node.code) {
    case Code::CONV_2D:
      if (!is_cmsis(build)) return unpacked_weights(operands);
      return is_float ? Requests{} : unless_empty(cmsis_convolution(operands, build));
    case Code::DEPTHWISE_CONV_2D:
      if (!is_cmsis(build)) return unpacked_weights(operands);
      return unless_empty(cmsis_depthwise(operands, build));
    case Code::FULLY_CONNECTED:
      if (!is_cmsis(build)) return unpacked_weights(operands);
      return unless_empty(cmsis_fully_connected(operands, build));
    case Code::AVERAGE_POOL_2D:
      return is_cmsis(build) ? unless_empty(cmsis_average(operands, build)) : Requests{};
    case Code::TRANSPOSE_CONV:
      return transposed_convolution(operands, build);
    case Code::SVDF:
      return svdf(operands);
    case Code::UNIDIRECTIONAL_SEQUENCE_LSTM:
      return lstm(operands, build);
    default:
      return {};
  }
}

}  // namespace hwnas::exporters::tflm
