#include "exporters/tflite.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflite_builder.hpp"
#include "exporters/tflite_kernels.hpp"
#include "exporters/tflite_layout.hpp"
#include "exporters/tflite_values.hpp"

namespace hwnas::exporters {

namespace {

using Code = tflite::BuiltinOperator;
using Type = tflite::TensorType;
using Dims = TfliteBuilder::Dims;
using PadWith = TfliteValues::PadWith;

tflite::ActivationFunctionType fused(const std::optional<ir::ActivationKind>& activation) {
  if (!activation) return tflite::ActivationFunctionType::NONE;
  return *activation == ir::ActivationKind::kRelu ? tflite::ActivationFunctionType::RELU
                                                  : tflite::ActivationFunctionType::RELU6;
}

/// Two a byte, the first one in the low half.
std::vector<std::uint8_t> packed_int4(const std::vector<std::int8_t>& values) {
  std::vector<std::uint8_t> bytes((values.size() + 1) / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    bytes[i / 2] |= static_cast<std::uint8_t>((values[i] & 0xF) << (i % 2 * 4));
  }
  return bytes;
}

/// Writes one network, kernel by kernel; one use each.
class GraphWriter {
 public:
  GraphWriter(const std::string& name, const TfliteKernels& kernels)
      : kernels_(kernels),
        file_(name),
        tensors_(file_),
        input_(tensors_.add("input", kernels.input, 4, kernels.input_quantization)) {}

  std::string write() {
    const std::vector<ir::Shape> shapes = infer_shapes(kernels_);
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      kernel_ = &kernels_.kernels[i];
      shape_ = shapes[i];
      values_.push_back(std::visit([this](const auto& op) { return write(op); }, kernel_->op));
    }
    TfliteValue output = in_order(values_.back());
    if (is_flat(output.shape)) output = tensors_.flat(output);
    return file_.finish(input_.tensor, output.tensor, "logits");
  }

 private:
  static bool is_flat(const ir::Shape& shape) { return shape.height == 1 && shape.width == 1; }
  template <typename... Counts>
  static int version_for(const TfliteValue& value, Counts... counts) {
    return TfliteValues::version_for(value, counts...);
  }

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw invalid_argument("layer '{}' ({}): {}", kernel_->name, ir::operator_name(kernel_->op),
                           fmt::format(format, std::forward<Args>(args)...));
  }

  // --- pieces --------------------------------------------------------------------------------

  /// What the kernel needs besides its output: "<kernel>:<what>".
  std::string name(const char* what) const { return fmt::format("{}:{}", kernel_->name, what); }

  /// The tensor that the current kernel writes.
  TfliteValue output(int rank = 4) {
    return tensors_.add(kernel_->name, shape_, rank, kernel_->output);
  }

  template <typename Options>
  TfliteValue emit(Code code, int version, const std::vector<int>& inputs, const TfliteValue& to,
                   const Options& options) {
    file_.add_operator(code, version, inputs, to.tensor, options);
    return to;
  }
  TfliteValue emit(Code code, int version, const TfliteValue& from, const TfliteValue& to) {
    file_.add_operator(code, version, {from.tensor}, to.tensor);
    return to;
  }

  /// A float32 constant of one value.
  int scalar(const char* what, float value) {
    return file_.add_constant<float>(name(what), Type::FLOAT32, {1}, {value});
  }

  /// Input `position` of the current kernel.
  const TfliteValue& in(std::size_t position = 0) const {
    const int index = kernel_->inputs[position];
    return index == ir::kNetworkInput ? input_ : values_[index];
  }
  const TfliteValue& in_order(const TfliteValue& value) const {
    if (value.flattened) {
      fail(
          "takes a flattened map, whose elements TensorFlow Lite has in another order; only a "
          "linear layer may read it");
    }
    return value;
  }
  TfliteValue map_in() { return tensors_.map(in_order(in())); }

  /// All inputs of the current kernel with one rank: 2 where all have it.
  std::vector<TfliteValue> aligned_inputs() {
    std::vector<TfliteValue> inputs;
    for (std::size_t i = 0; i < kernel_->inputs.size(); ++i) inputs.push_back(in_order(in(i)));
    if (!std::ranges::all_of(inputs, [](const TfliteValue& value) { return value.rank == 2; })) {
      for (TfliteValue& value : inputs) value = tensors_.map(value);
    }
    return inputs;
  }

  // --- weights -------------------------------------------------------------------------------

  /// The weights with their channels last; `scale_axis` counts output channels.
  int weight(const Dims& dims, std::size_t rows, std::size_t columns, int scale_axis) {
    const std::string name = kernel_->name + ".weight";
    if (!kernel_->integer) {
      return file_.add_constant(name, Type::FLOAT32, dims,
                                transpose_each(kernel_->real.weight.values, rows, columns));
    }
    const TfliteScales scales{weight_scales(), scale_axis};
    const auto values = transpose_each(kernel_->integer->weight, rows, columns);
    if (has_int4_weights()) {
      return file_.add_constant(name, Type::INT4, dims, packed_int4(values), scales);
    }
    return file_.add_constant(name, Type::INT8, dims, values, scales);
  }

  /// Runtimes up to TensorFlow 2.14 misread a convolution with one scale for all channels.
  std::vector<float> weight_scales() const {
    std::vector<float> scales = kernel_->integer->weight_scales;
    if (const auto* const conv = std::get_if<ir::Conv2d>(&kernel_->op)) {
      scales.resize(conv->out_channels, scales.front());
    }
    return scales;
  }

  bool has_int4_weights() const {
    return kernel_->integer && kernel_->integer->format != ir::WeightFormat::kInt8 &&
           in().quantization->bits == 8;
  }

  /// Always there, as some runtimes ask for it.
  int bias(int channels) {
    const std::string name = kernel_->name + ".bias";
    if (!kernel_->integer) {
      std::vector<float> values = kernel_->real.bias.values;
      values.resize(channels);
      return file_.add_constant(name, Type::FLOAT32, {channels}, values);
    }
    TfliteScales scales;
    for (const float scale : weight_scales()) {
      scales.values.push_back(in().quantization->scale * scale);
    }
    std::vector<std::int64_t> values = kernel_->integer->bias;
    values.resize(channels);
    if (in().quantization->bits == 16) {
      return file_.add_constant(name, Type::INT64, {channels}, values, scales);
    }
    const std::vector<std::int32_t> narrow(values.begin(), values.end());
    return file_.add_constant(name, Type::INT32, {channels}, narrow, scales);
  }

  void require_equal_bits() const {
    if (kernel_->output && kernel_->output->bits != in().quantization->bits) {
      fail("reads {} bits and writes {}; TensorFlow Lite has no such kernel",
           in().quantization->bits, kernel_->output->bits);
    }
  }

  // --- operators -----------------------------------------------------------------------------

  /// VALID or SAME, or VALID after an operator that pads.
  std::pair<TfliteValue, tflite::Padding> valid_or_same(const TfliteValue& value,
                                                        const ir::Padding& padding,
                                                        const ir::Padding& same) {
    if (padding == ir::Padding{}) return {value, tflite::Padding::VALID};
    if (padding == same) return {value, tflite::Padding::SAME};
    return {tensors_.padded(value, padding, PadWith::kZero, name("padded")),
            tflite::Padding::VALID};
  }

  template <typename Options>
  Options sliding(tflite::Padding padding, const ir::Window& window) const {
    Options options;
    options.padding = padding;
    options.stride_h = window.stride_height;
    options.stride_w = window.stride_width;
    return options;
  }
  template <typename Options>
  Options convolution_options(tflite::Padding padding, const ir::Conv2d& conv) const {
    auto options = sliding<Options>(padding, conv.window);
    options.fused_activation_function = fused(kernel_->activation);
    options.dilation_h_factor = conv.dilation_height;
    options.dilation_w_factor = conv.dilation_width;
    return options;
  }

  TfliteValue write(const ir::Conv2d& conv) {
    require_equal_bits();
    const TfliteValue read = map_in();
    const ir::Window& window = conv.window;
    const auto [value, padding] =
        valid_or_same(read, window.padding,
                      same_padding(read.shape, window, conv.dilation_height, conv.dilation_width));
    const int channels = read.shape.channels;
    const int out = conv.out_channels;
    const std::size_t taps = static_cast<std::size_t>(window.kernel_height) * window.kernel_width;
    if (conv.groups == channels && channels > 1) {
      const int weights = weight({1, window.kernel_height, window.kernel_width, out}, out, taps, 3);
      auto options = convolution_options<tflite::DepthwiseConv2DOptionsT>(padding, conv);
      options.depth_multiplier = out / channels;
      const bool dilated = conv.dilation_height > 1 || conv.dilation_width > 1;
      const int version = has_int4_weights() ? 7 : version_for(read, dilated ? 2 : 1, 3, 5);
      return emit(Code::DEPTHWISE_CONV_2D, version, {value.tensor, weights, bias(out)}, output(),
                  options);
    }
    const int depth = channels / conv.groups;
    const int weights =
        weight({out, window.kernel_height, window.kernel_width, depth}, depth, taps, 0);
    const int version = has_int4_weights() ? 7 : conv.groups > 1 ? 6 : version_for(read, 1, 3, 4);
    return emit(Code::CONV_2D, version, {value.tensor, weights, bias(out)}, output(),
                convolution_options<tflite::Conv2DOptionsT>(padding, conv));
  }

  TfliteValue write(const ir::Linear& linear) {
    require_equal_bits();
    const TfliteValue value = tensors_.flat(in());
    const ir::Shape order = value.flattened.value_or(value.shape);
    const int weights = weight({linear.out_features, value.shape.channels}, order.channels,
                               static_cast<std::size_t>(order.height) * order.width, 0);
    tflite::FullyConnectedOptionsT options;
    options.fused_activation_function = fused(kernel_->activation);
    return emit(Code::FULLY_CONNECTED, has_int4_weights() ? 10 : version_for(value, 1, 4, 7),
                {value.tensor, weights, bias(linear.out_features)}, output(2), options);
  }

  TfliteValue write(const ir::BatchNorm&) {
    throw error(ErrorCode::kInternal, "layer '{}': a batch norm was not folded", kernel_->name);
  }

  TfliteValue write(const ir::Activation& activation) {
    TfliteValue to = output(in().rank);
    to.flattened = in().flattened;
    switch (activation.kind) {
      case ir::ActivationKind::kRelu:
        return emit(Code::RELU, version_for(in(), 1, 2, 3), in(), to);
      case ir::ActivationKind::kRelu6:
        return relu6(to);
      case ir::ActivationKind::kHardSwish:
        return emit(Code::HARD_SWISH, 1, in(), to);
      case ir::ActivationKind::kHardSigmoid:
        return hard_sigmoid(to);
      case ir::ActivationKind::kSigmoid:
        break;
    }
    return emit(Code::LOGISTIC, version_for(in(), 1, 2, 3), in(), to);
  }

  /// TensorFlow Lite Micro's RELU6 keeps the input's scale, so that another one takes a RELU first,
  /// which is all where the output's range ends before 6.
  TfliteValue relu6(const TfliteValue& to) {
    TfliteValue from = in();
    if (from.quantization != to.quantization) {
      const ir::Quantization& q = *to.quantization;
      const bool reaches_six = q.scale * static_cast<float>(q.highest() - q.zero_point) > 6;
      const int version = version_for(from, 1, 2, 3);
      if (!reaches_six) return emit(Code::RELU, version, from, to);
      from = emit(Code::RELU, version, from,
                  tensors_.add(name("rescaled"), shape_, from.rank, to.quantization));
    }
    return emit(Code::RELU6, version_for(from, 1, 2, 3), from, to);
  }

  TfliteValue write(const ir::Add&) {
    const std::vector<TfliteValue> terms = aligned_inputs();
    TfliteValue sum = terms.front();
    for (std::size_t i = 1; i < terms.size(); ++i) {
      const bool is_last = i + 1 == terms.size();
      tflite::AddOptionsT options;
      options.pot_scale_int16 = false;
      if (is_last) options.fused_activation_function = fused(kernel_->activation);
      const TfliteValue to =
          is_last ? output(sum.rank)
                  : tensors_.add(fmt::format("{}:sum{}", kernel_->name, i), shape_, sum.rank, {});
      sum = emit(Code::ADD, version_for(sum, 1, 2, 3), {sum.tensor, terms[i].tensor}, to, options);
    }
    return sum;
  }

  TfliteValue write(const ir::Mul&) {
    const std::vector<TfliteValue> factors = aligned_inputs();
    int version = version_for(factors[0], 1, 2, 4);
    if (version == 2 &&
        factors[0].quantization->scale * factors[1].quantization->scale >= kernel_->output->scale) {
      version = 3;
    }
    tflite::MulOptionsT options;
    options.fused_activation_function = fused(kernel_->activation);
    return emit(Code::MUL, version, {factors[0].tensor, factors[1].tensor}, output(factors[0].rank),
                options);
  }

  TfliteValue write(const ir::Concat&) {
    const std::vector<TfliteValue> parts = aligned_inputs();
    std::vector<int> tensors;
    for (const TfliteValue& part : parts) tensors.push_back(part.tensor);
    const int rank = parts.front().rank;
    tflite::ConcatenationOptionsT options;
    options.axis = rank - 1;
    return emit(Code::CONCATENATION, version_for(parts.front(), 1, 2, 3), tensors, output(rank),
                options);
  }

  TfliteValue pool(ir::PoolKind kind, const TfliteValue& value, tflite::Padding padding,
                   const ir::Window& window, const TfliteValue& to) {
    auto options = sliding<tflite::Pool2DOptionsT>(padding, window);
    options.filter_height = window.kernel_height;
    options.filter_width = window.kernel_width;
    const Code code = kind == ir::PoolKind::kMax ? Code::MAX_POOL_2D : Code::AVERAGE_POOL_2D;
    return emit(code, version_for(value, 1, 2, 3), {value.tensor}, to, options);
  }

  TfliteValue write(const ir::Pool& op) {
    const TfliteValue value = map_in();
    const ir::Padding& padding = op.window.padding;
    if (padding == ir::Padding{}) {
      return pool(op.kind, value, tflite::Padding::VALID, op.window, output());
    }
    if (padding == same_padding(value.shape, op.window)) {
      return pool(op.kind, value, tflite::Padding::SAME, op.window, output());
    }
    if (op.kind == ir::PoolKind::kMax) {
      const TfliteValue with_pads =
          tensors_.padded(value, padding, PadWith::kLowest, name("padded"));
      return pool(op.kind, with_pads, tflite::Padding::VALID, op.window, output());
    }
    return strided_average(op, value);
  }

  /// With stride 1 and padding SAME the average has every position that the strided one has, if
  /// both begin at the same pixel; a maximum over one pixel picks them out.
  TfliteValue strided_average(const ir::Pool& op, const TfliteValue& value) {
    ir::Window dense = op.window;
    dense.stride_height = dense.stride_width = 1;
    const ir::Padding same = same_padding(value.shape, dense);
    const ir::Window pick{.stride_height = op.window.stride_height,
                          .stride_width = op.window.stride_width,
                          .padding = {}};
    const auto positions = [](int extent, int stride) { return (extent - 1) / stride + 1; };
    if (op.window.padding.top != same.top || op.window.padding.left != same.left ||
        shape_.height != positions(value.shape.height, pick.stride_height) ||
        shape_.width != positions(value.shape.width, pick.stride_width)) {
      const auto& [top, left, bottom, right] = op.window.padding;
      fail(
          "averages over a padding of {}, {}, {}, {} (top, left, bottom, right), which TensorFlow "
          "Lite cannot leave out of the count; use the padding of a 'same' pooling",
          top, left, bottom, right);
    }
    const TfliteValue averages =
        pool(op.kind, value, tflite::Padding::SAME, dense,
             tensors_.add(name("average"), value.shape, 4, value.quantization));
    return pool(ir::PoolKind::kMax, averages, tflite::Padding::VALID, pick, output());
  }

  TfliteValue write(const ir::GlobalAveragePool&) {
    const TfliteValue value = map_in();
    const ir::Window whole{.kernel_height = value.shape.height,
                           .kernel_width = value.shape.width,
                           .stride_height = value.shape.height,
                           .stride_width = value.shape.width,
                           .padding = {}};
    return pool(ir::PoolKind::kAverage, value, tflite::Padding::VALID, whole, output());
  }

  TfliteValue write(const ir::Flatten&) {
    if (in().rank == 2) return in();
    TfliteValue flattened = tensors_.reshaped(in(), shape_, 2, kernel_->name);
    if (!is_flat(in().shape) && in().shape.channels > 1) flattened.flattened = in().shape;
    return flattened;
  }

  TfliteValue write(const ir::Softmax&) {
    const TfliteValue& value = in_order(in());
    tflite::SoftmaxOptionsT options;
    options.beta = 1;
    return emit(Code::SOFTMAX, version_for(value, 1, 2, 3), {value.tensor}, output(value.rank),
                options);
  }

  TfliteValue write(const ir::Pad& pad) {
    return tensors_.padded(map_in(), pad.padding, PadWith::kZero, kernel_->name);
  }

  TfliteValue write(const ir::Zero& zero) {
    TfliteValue value = map_in();
    if (zero.stride > 1) {
      const ir::Window pick{
          .stride_height = zero.stride, .stride_width = zero.stride, .padding = {}};
      value = pool(ir::PoolKind::kMax, value, tflite::Padding::VALID, pick,
                   tensors_.add(name("strided"), shape_, 4, value.quantization));
    }
    return emit(Code::MUL, 1, {value.tensor, scalar("factor", 0)}, output(), tflite::MulOptionsT{});
  }

  /// min(max(x + 3, 0), 6)/6.
  TfliteValue hard_sigmoid(const TfliteValue& to) {
    const TfliteValue shifted = tensors_.add(name("shifted"), shape_, in().rank, {});
    tflite::AddOptionsT options;
    options.fused_activation_function = tflite::ActivationFunctionType::RELU6;
    emit(Code::ADD, 1, {in().tensor, scalar("shift", 3)}, shifted, options);
    return emit(Code::MUL, 1, {shifted.tensor, scalar("factor", 1.0F / 6)}, to,
                tflite::MulOptionsT{});
  }

  const TfliteKernels& kernels_;
  TfliteBuilder file_;
  TfliteValues tensors_;
  TfliteValue input_;
  std::vector<TfliteValue> values_;  ///< of the kernels written so far
  const TfliteKernel* kernel_ = nullptr;
  ir::Shape shape_;  ///< the current kernel's output
};

}  // namespace

void write_tflite(const Model& model, const std::filesystem::path& file) {
  if (model.quantized) ir::verify(*model.quantized);
  const TfliteKernels kernels =
      model.quantized ? integer_kernels(*model.quantized) : float_kernels(model);
  write_file_atomically(file, GraphWriter(model.name, kernels).write());
}

}  // namespace hwnas::exporters
