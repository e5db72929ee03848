#include <fmt/format.h>

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
    R"(    const int32_t top = @top@;
    const int32_t ky_begin = top < 0 ? -top : 0;
    const int32_t ky_end = top + @k_h@ > @in_h@ ? @in_h@ - top : @k_h@;
)";
constexpr std::string_view kAllRows = "    const int32_t top = @top@;\n";
constexpr std::string_view kClippedColumns =
    R"(      const int32_t left = @left@;
      const int32_t kx_begin = left < 0 ? -left : 0;
      const int32_t kx_end = left + @k_w@ > @in_w@ ? @in_w@ - left : @k_w@;
)";
constexpr std::string_view kAllColumns = "      const int32_t left = @left@;\n";

/// Rows of a window are contiguous in the input and in the weights. Four output channels at a time,
/// and what is left of them one by one.
constexpr std::string_view kDenseBlocks =
    R"(      for (int32_t c = 0; c < @blocked@; c += 4) {
        int32_t sum[4] = {bias[c], bias[c + 1], bias[c + 2], bias[c + 3]};
        for (int32_t ky = @ky_begin@; ky < @ky_end@; ky++) {
          const int8_t *in = x + ((top + ky) * @in_w@ + left@plus_kx@) * @in_c@;
          const int8_t *w = weight + c * @row@ + (ky * @k_w@@plus_kx@) * @in_c_by_4@;
          accumulate(in, w, @count@, x_zero, sum);
        }
        for (int32_t i = 0; i < 4; i++) {
          y[c + i] = requantize(sum[i], multiplier[c + i], shift[c + i], y_zero, low, high);
        }
      }
)";
constexpr std::string_view kDenseRest =
    R"(      for (int32_t c = @blocked@; c < @out_c@; c++) {
        int32_t sum = bias[c];
        for (int32_t ky = @ky_begin@; ky < @ky_end@; ky++) {
          const int8_t *in = x + ((top + ky) * @in_w@ + left@plus_kx@) * @in_c@;
          const int32_t first = c * @row@ + (ky * @k_w@@plus_kx@) * @in_c@;
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
          const int32_t iy = @top@ + tap / @k_w@ * @dilation_h@;
          const int32_t ix = @left@ + tap % @k_w@ * @dilation_w@;
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
          const int32_t iy = @top@ + tap / @k_w@ * @dilation_h@;
          const int32_t ix = @left@ + tap % @k_w@ * @dilation_w@;
          if (iy < 0 || iy >= @in_h@ || ix < 0 || ix >= @in_w@) continue;
          const int32_t value = x[(iy * @in_w@ + ix) * @in_c@ + c@per_multiplier@] - x_zero;
          sum += value * @weight_at@;
        }
        y[c] = requantize(sum, multiplier[c], shift[c], y_zero, low, high);
      }
)";

/// As the dense ones, with a window of one pixel.
constexpr std::string_view kPointwiseBlocks =
    R"(    for (int32_t c = 0; c < @blocked@; c += 4) {
      int32_t sum[4] = {bias[c], bias[c + 1], bias[c + 2], bias[c + 3]};
      accumulate(x, weight + c * @in_c@, @in_c@, x_zero, sum);
      for (int32_t i = 0; i < 4; i++) {
        y[c + i] = requantize(sum[i], multiplier[c + i], shift[c + i], y_zero, low, high);
      }
    }
)";
constexpr std::string_view kPointwiseRest =
    R"(    for (int32_t c = @blocked@; c < @out_c@; c++) {
      const int32_t sum = bias[c] + dot_@format@(x, weight, c * @in_c@, @in_c@, x_zero);
      y[c] = requantize(sum, multiplier[c], shift[c], y_zero, low, high);
    }
)";
constexpr std::string_view kPointwisePixels =
    R"(  for (int32_t pixel = 0; pixel < @pixels@; pixel++, x += @in_c@, y += @out_c@) {
@channels@  }
}
)";

/// Lines two columns further to the left.
std::string outdented(std::string_view lines) {
  std::string result;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n') + 1;
    result += lines.substr(2, end - 2);
    lines.remove_prefix(end);
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
        out_(out),
        blocked_(blocked_channels(layer, in)) {}

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
    if (is_pointwise()) return pointwise_body();
    const bool by_taps = is_dilated() || (conv_.groups > 1 && !depthwise_);
    std::string channels = dense_channels();
    if (depthwise_) channels = by_taps ? kDilatedDepthwise : kDepthwise;
    if (by_taps && !depthwise_) channels = kTaps;
    std::string_view rows = is_padded() ? kClippedRows : kAllRows;
    std::string_view columns = is_padded() ? kClippedColumns : kAllColumns;
    if (by_taps) rows = columns = {};
    return fill(kPixels, {{"out_h", std::to_string(out_.height)},
                          {"out_w", std::to_string(out_.width)},
                          {"out_c", std::to_string(out_.channels)},
                          {"rows", std::string(rows)},
                          {"columns", std::string(columns)},
                          {"channels", channels}});
  }

  std::string dense_channels() const {
    return (blocked_ > 0 ? std::string(kDenseBlocks) : "") +
           (blocked_ < out_.channels ? std::string(kDenseRest) : "");
  }

  std::string pointwise_body() const {
    const std::string channels = (blocked_ > 0 ? std::string(kPointwiseBlocks) : "") +
                                 (blocked_ < out_.channels ? std::string(kPointwiseRest) : "");
    const int pixels = out_.height * out_.width;
    if (pixels == 1) return outdented(channels) + "}\n";
    return fill(kPointwisePixels, {{"pixels", std::to_string(pixels)},
                                   {"in_c", std::to_string(in_.channels)},
                                   {"out_c", std::to_string(out_.channels)},
                                   {"channels", channels}});
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
        {"top", window_start("oy", window().stride_height, window().padding.top)},
        {"left", window_start("ox", window().stride_width, window().padding.left)},
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
        {"blocked", text(blocked_)},
        {"row", text(taps * in_.channels)},
        {"in_c_by_4", text(4 * in_.channels)},
    };
  }

  ir::Conv2d conv_;
  bool depthwise_;
  bool linear_;
  ir::WeightFormat format_;
  ir::Shape in_;
  ir::Shape out_;
  int blocked_;  ///< output channels that are computed four at a time
};

}  // namespace

bool is_depthwise(const ir::Operator& op, const ir::Shape& in) {
  const auto* const conv = std::get_if<ir::Conv2d>(&op);
  return conv != nullptr && conv->groups > 1 && conv->groups == in.channels;
}

int blocked_channels(const ir::QuantizedLayer& layer, const ir::Shape& in) {
  if (layer.format != ir::WeightFormat::kInt8 || is_depthwise(layer.op, in)) return 0;
  const auto* const conv = std::get_if<ir::Conv2d>(&layer.op);
  if (conv == nullptr) return std::get<ir::Linear>(layer.op).out_features / 4 * 4;
  const bool dense = conv->groups == 1 && conv->dilation_height == 1 && conv->dilation_width == 1;
  return dense ? conv->out_channels / 4 * 4 : 0;
}

CKernel convolution_kernel(const ir::QuantizedLayer& layer, const ir::Shape& in,
                           const ir::Shape& out) {
  return ConvolutionWriter(layer, in, out).write();
}

}  // namespace hwnas::exporters
