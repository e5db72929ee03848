#include <fmt/format.h>

#include <array>

#include "exporters/c_kernels.hpp"
#include "exporters/c_text.hpp"

namespace hwnas::exporters {

namespace {

constexpr std::string_view kSignature =
    R"(static void @NAME@(const int8_t *x, int8_t *y, const @type@ *weight, const int32_t *bias,
    const int32_t *multiplier, const int8_t *shift, int32_t x_zero, int32_t y_zero, int32_t low,
    int32_t high) {
)";

/// One window position after the other; @channels@ computes all output channels of a pixel.
constexpr std::string_view kPixels =
    R"(  for (int32_t oy = 0; oy < @out_h@; oy++) {
@rows@    for (int32_t ox = 0; ox < @out_w@; ox++) {
@columns@@channels@      y += @out_c@;
    }
  }
}
)";

/// Rows of the window that lie on the input. Two variants: some are on padding, or none.
constexpr std::string_view kClippedRows =
    R"(    const int32_t top = oy * @stride_h@ - @pad_top@;
    const int32_t ky_begin = top < 0 ? -top : 0;
    const int32_t ky_end = top + @k_h@ > @in_h@ ? @in_h@ - top : @k_h@;
)";
constexpr std::string_view kAllRows = "    const int32_t top = oy * @stride_h@;\n";
constexpr std::string_view kClippedColumns =
    R"(      const int32_t left = ox * @stride_w@ - @pad_left@;
      const int32_t kx_begin = left < 0 ? -left : 0;
      const int32_t kx_end = left + @k_w@ > @in_w@ ? @in_w@ - left : @k_w@;
)";
constexpr std::string_view kAllColumns = "      const int32_t left = ox * @stride_w@;\n";

/// Rows of a window are contiguous in the input and in the weights. @sums@, @rows@, @products@ and
/// @outputs@ have a line for each output channel that is computed at a time.
constexpr std::string_view kDenseChannels =
    R"(      for (int32_t c = 0; c < @out_c@; c += @block@) {
@sums@        for (int32_t ky = @ky_begin@; ky < @ky_end@; ky++) {
          const int8_t *in = x + ((top + ky) * @in_w@ + left@plus_kx@) * @in_c@;
@weights@          for (int32_t i = 0; i < @count@; i++) {
            const int32_t value = in[i] - x_zero;
@products@          }
        }
@outputs@      }
)";
constexpr std::string_view kDenseDot =
    R"(      for (int32_t c = 0; c < @out_c@; c++) {
        int32_t sum = bias[c];
        for (int32_t ky = @ky_begin@; ky < @ky_end@; ky++) {
          const int8_t *in = x + ((top + ky) * @in_w@ + left@plus_kx@) * @in_c@;
          const int32_t first = ((c * @k_h@ + ky) * @k_w@@plus_kx@) * @in_c@;
          sum += dot_@format@(in, weight, first, @count@, x_zero);
        }
        y[c] = requantize(sum, multiplier[c], shift[c], y_zero, low, high);
      }
)";

/// Any dilation and any groups: tap by tap.
constexpr std::string_view kTaps =
    R"(      for (int32_t c = 0; c < @out_c@; c++) {
        int32_t sum = bias[c];
        for (int32_t tap = 0; tap < @taps@; tap++) {
          const int32_t iy = oy * @stride_h@ - @pad_top@ + tap / @k_w@ * @dilation_h@;
          const int32_t ix = ox * @stride_w@ - @pad_left@ + tap % @k_w@ * @dilation_w@;
          if (iy < 0 || iy >= @in_h@ || ix < 0 || ix >= @in_w@) continue;
          const int8_t *in = x + (iy * @in_w@ + ix) * @in_c@ + c / @group_out@ * @group_in@;
          sum += dot_@format@(in, weight, (c * @taps@ + tap) * @group_in@, @group_in@, x_zero);
        }
        y[c] = requantize(sum, multiplier[c], shift[c], y_zero, low, high);
      }
)";

constexpr std::string_view kDepthwise =
    R"(      for (int32_t c = 0; c < @out_c@; c++) {
        int32_t sum = bias[c];
        for (int32_t ky = @ky_begin@; ky < @ky_end@; ky++) {
          for (int32_t kx = @kx_begin@; kx < @kx_end@; kx++) {
            const int32_t pixel = (top + ky) * @in_w@ + left + kx;
            const int32_t value = x[pixel * @in_c@ + c@per_multiplier@] - x_zero;
            sum += value * @weight_at@;
          }
        }
        y[c] = requantize(sum, multiplier[c], shift[c], y_zero, low, high);
      }
)";
constexpr std::string_view kDilatedDepthwise =
    R"(      for (int32_t c = 0; c < @out_c@; c++) {
        int32_t sum = bias[c];
        for (int32_t tap = 0; tap < @taps@; tap++) {
          const int32_t iy = oy * @stride_h@ - @pad_top@ + tap / @k_w@ * @dilation_h@;
          const int32_t ix = ox * @stride_w@ - @pad_left@ + tap % @k_w@ * @dilation_w@;
          if (iy < 0 || iy >= @in_h@ || ix < 0 || ix >= @in_w@) continue;
          const int32_t value = x[(iy * @in_w@ + ix) * @in_c@ + c@per_multiplier@] - x_zero;
          sum += value * @weight_at@;
        }
        y[c] = requantize(sum, multiplier[c], shift[c], y_zero, low, high);
      }
)";

constexpr std::string_view kPointwise =
    R"(  for (int32_t pixel = 0; pixel < @pixels@; pixel++, x += @in_c@, y += @out_c@) {
    for (int32_t c = 0; c < @out_c@; c += @block@) {
@sums@      const int8_t *w0 = weight + c * @in_c@;
@weights@      for (int32_t i = 0; i < @in_c@; i++) {
        const int32_t value = x[i] - x_zero;
@products@      }
@outputs@    }
  }
}
)";
constexpr std::string_view kPointwiseDot =
    R"(  for (int32_t pixel = 0; pixel < @pixels@; pixel++, x += @in_c@, y += @out_c@) {
    for (int32_t c = 0; c < @out_c@; c++) {
      const int32_t sum = bias[c] + dot_@format@(x, weight, c * @in_c@, @in_c@, x_zero);
      y[c] = requantize(sum, multiplier[c], shift[c], y_zero, low, high);
    }
  }
}
)";

std::string repeat(int count, std::string_view line) {
  std::string result;
  for (int i = 0; i < count; ++i) result += fill(line, {{"i", std::to_string(i)}});
  return result;
}

std::string indented(const std::string& lines, int spaces) {
  std::string result;
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = lines.find('\n', begin) + 1;
    result += std::string(static_cast<std::size_t>(spaces), ' ') + lines.substr(begin, end - begin);
    begin = end;
  }
  return result;
}

/// Writes the function for one set of shapes.
class ConvolutionWriter {
 public:
  ConvolutionWriter(const ir::QuantizedLayer& layer, const ir::Shape& in, const ir::Shape& out)
      : conv_(as_convolution(layer.op)),
        depthwise_(is_depthwise(layer.op, in)),
        linear_(std::holds_alternative<ir::Linear>(layer.op)),
        format_(layer.format),
        in_(in),
        out_(out) {
    for (const int block : {4, 2, 1}) {
      if (out_.channels % block == 0) {
        block_ = block;
        break;
      }
    }
  }

  CKernel write() const {
    CKernel kernel{.stem = stem(), .text = {}};
    kernel.text = fmt::format("/* {} */\n", description()) + std::string(kSignature) + body();
    kernel.text = fill(kernel.text, values());
    return kernel;
  }

 private:
  static ir::Conv2d as_convolution(const ir::Operator& op) {
    if (const auto* const linear = std::get_if<ir::Linear>(&op)) {
      return {.out_channels = linear->out_features, .window = {}};
    }
    return std::get<ir::Conv2d>(op);
  }

  const ir::Window& window() const { return conv_.window; }
  bool is_1x1() const { return window().kernel_height == 1 && window().kernel_width == 1; }
  bool is_padded() const { return window().padding != ir::Padding{}; }
  bool is_dilated() const { return conv_.dilation_height != 1 || conv_.dilation_width != 1; }
  bool is_pointwise() const {
    return is_1x1() && !is_padded() && conv_.groups == 1 && window().stride_height == 1 &&
           window().stride_width == 1;
  }
  bool is_int8() const { return format_ == ir::WeightFormat::kInt8; }

  std::string stem() const {
    const std::string suffix = is_int8() ? "" : fmt::format("_{}", ir::info(format_).name);
    if (linear_) return "linear" + suffix;
    if (is_pointwise()) return "pointwise" + suffix;
    return fmt::format("{}{}x{}{}", depthwise_ ? "depthwise" : "conv", window().kernel_height,
                       window().kernel_width, suffix);
  }

  std::string description() const {
    const auto& [top, left, bottom, right] = window().padding;
    std::string text = fmt::format("{}x{}x{} -> {}x{}x{}", in_.height, in_.width, in_.channels,
                                   out_.height, out_.width, out_.channels);
    if (linear_) text = fmt::format("{} -> {}", in_.channels, out_.channels);
    if (window().stride_height != 1 || window().stride_width != 1) {
      text += fmt::format(", stride {}x{}", window().stride_height, window().stride_width);
    }
    if (is_padded()) text += fmt::format(", padding {} {} {} {}", top, left, bottom, right);
    if (is_dilated()) {
      text += fmt::format(", dilation {}x{}", conv_.dilation_height, conv_.dilation_width);
    }
    if (conv_.groups > 1 && !depthwise_) text += fmt::format(", {} groups", conv_.groups);
    return text;
  }

  std::string body() const {
    if (is_pointwise()) return std::string(is_int8() ? kPointwise : kPointwiseDot);
    const bool by_taps = is_dilated() || (conv_.groups > 1 && !depthwise_);
    std::string_view channels = depthwise_ ? kDepthwise : is_int8() ? kDenseChannels : kDenseDot;
    if (by_taps) channels = depthwise_ ? kDilatedDepthwise : kTaps;
    std::string_view rows = is_padded() ? kClippedRows : kAllRows;
    std::string_view columns = is_padded() ? kClippedColumns : kAllColumns;
    if (by_taps) rows = columns = {};
    return fill(kPixels, {{"out_h", std::to_string(out_.height)},
                          {"out_w", std::to_string(out_.width)},
                          {"out_c", std::to_string(out_.channels)},
                          {"rows", std::string(rows)},
                          {"columns", std::string(columns)},
                          {"channels", std::string(channels)}});
  }

  std::string weight_at() const {
    const std::string index =
        is_dilated() ? fmt::format("tap * {} + c", out_.channels)
                     : fmt::format("(ky * {} + kx) * {} + c", window().kernel_width, out_.channels);
    return is_int8() ? fmt::format("weight[{}]", index)
                     : fmt::format("weight_{}(weight, {})", ir::info(format_).name, index);
  }

  CValues values() const {
    const auto text = [](int value) { return std::to_string(value); };
    const int kernel_width = window().kernel_width;
    const int taps = window().kernel_height * kernel_width;
    const int indent = is_pointwise() ? 6 : 8;
    const std::string row = is_pointwise() ? text(in_.channels) : text(taps * in_.channels);
    const int channel_multiplier = depthwise_ ? conv_.out_channels / conv_.groups : 1;
    return {
        {"NAME", "@NAME@"},
        {"type", is_int8() ? "int8_t" : "uint8_t"},
        {"format", std::string(ir::info(format_).name)},
        {"in_h", text(in_.height)},
        {"in_w", text(in_.width)},
        {"in_c", text(in_.channels)},
        {"out_c", text(out_.channels)},
        {"pixels", text(out_.height * out_.width)},
        {"k_h", text(window().kernel_height)},
        {"k_w", text(kernel_width)},
        {"taps", text(taps)},
        {"stride_h", text(window().stride_height)},
        {"stride_w", text(window().stride_width)},
        {"pad_top", text(window().padding.top)},
        {"pad_left", text(window().padding.left)},
        {"dilation_h", text(conv_.dilation_height)},
        {"dilation_w", text(conv_.dilation_width)},
        {"group_in", text(in_.channels / conv_.groups)},
        {"group_out", text(conv_.out_channels / conv_.groups)},
        {"ky_begin", is_padded() ? "ky_begin" : "0"},
        {"ky_end", is_padded() ? "ky_end" : text(window().kernel_height)},
        {"kx_begin", is_padded() ? "kx_begin" : "0"},
        {"kx_end", is_padded() ? "kx_end" : text(kernel_width)},
        {"plus_kx", is_padded() ? " + kx_begin" : ""},
        {"count", is_padded() ? fmt::format("(kx_end - kx_begin) * {}", in_.channels)
                              : text(kernel_width * in_.channels)},
        {"per_multiplier", channel_multiplier == 1 ? "" : fmt::format(" / {}", channel_multiplier)},
        {"weight_at", weight_at()},
        {"block", text(block_)},
        {"sums", indented(repeat(block_, "int32_t sum@i@ = bias[c + @i@];\n"), indent)},
        {"weights", weight_rows(row)},
        {"products",
         indented(repeat(block_, "sum@i@ += value * w@i@[i];\n"), is_pointwise() ? 8 : 12)},
        {"outputs", indented(repeat(block_,
                                    "y[c + @i@] = requantize(sum@i@, multiplier[c + @i@], "
                                    "shift[c + @i@], y_zero, low, high);\n"),
                             indent)},
    };
  }

  /// Pointers to the block's rows of weights, each from the one before.
  std::string weight_rows(const std::string& row) const {
    std::string lines;
    if (!is_pointwise()) {
      lines = fmt::format("const int8_t *w0 = weight + ((c * {} + ky) * {}{}) * {};\n",
                          window().kernel_height, window().kernel_width,
                          is_padded() ? " + kx_begin" : "", in_.channels);
    }
    for (int i = 1; i < block_; ++i) {
      lines += fmt::format("const int8_t *w{} = w{} + {};\n", i, i - 1, row);
    }
    return indented(lines, is_pointwise() ? 6 : 10);
  }

  ir::Conv2d conv_;
  bool depthwise_;
  bool linear_;
  ir::WeightFormat format_;
  ir::Shape in_;
  ir::Shape out_;
  int block_ = 1;  ///< output channels computed together: they share each input's load
};

}  // namespace

bool is_depthwise(const ir::Operator& op, const ir::Shape& in) {
  const auto* const conv = std::get_if<ir::Conv2d>(&op);
  return conv != nullptr && conv->groups > 1 && conv->groups == in.channels;
}

CKernel convolution_kernel(const ir::QuantizedLayer& layer, const ir::Shape& in,
                           const ir::Shape& out) {
  return ConvolutionWriter(layer, in, out).write();
}

}  // namespace hwnas::exporters
