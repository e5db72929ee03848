#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <variant>

#include "compression/dot_products.hpp"
#include "compression/integer_kernel.hpp"
#include "compression/requantization.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

using Inputs = std::span<const std::span<const std::int16_t>>;
using Output = std::span<std::int16_t>;

/// A linear layer is a 1x1 convolution of one pixel.
ir::Conv2d as_convolution(const ir::Operator& op) {
  if (const auto* const linear = std::get_if<ir::Linear>(&op)) {
    return {.out_channels = linear->out_features, .window = {}};
  }
  return std::get<ir::Conv2d>(op);
}

/// Input pixels under each tap of the window; −1 where the tap is on padding.
class Taps {
 public:
  Taps(const ir::Conv2d& conv, const ir::Shape& in) : conv_(conv), in_(in) {}

  int count() const { return conv_.window.kernel_height * conv_.window.kernel_width; }

  std::ptrdiff_t pixel(int y, int x, int tap) const {
    const ir::Window& window = conv_.window;
    const int iy = y * window.stride_height - window.padding.top +
                   tap / window.kernel_width * conv_.dilation_height;
    const int ix = x * window.stride_width - window.padding.left +
                   tap % window.kernel_width * conv_.dilation_width;
    if (iy < 0 || iy >= in_.height || ix < 0 || ix >= in_.width) return -1;
    return static_cast<std::ptrdiff_t>(iy) * in_.width + ix;
  }

 private:
  ir::Conv2d conv_;
  ir::Shape in_;
};

/// What all convolutions have.
struct Parts {
  explicit Parts(const KernelSpec& spec)
      : conv(as_convolution(spec.layer.op)),
        in(spec.input_shapes.front()),
        out(spec.output_shape),
        zero_point(spec.inputs.front().zero_point),
        taps(conv, in),
        requantizer(spec.arithmetic.requantization, spec.inputs.front().scale,
                    spec.layer.weight_scales, spec.layer.output, ir::output_range(spec.layer),
                    std::holds_alternative<ir::Linear>(spec.layer.op) &&
                        spec.layer.weight_scales.size() == 1),
        bias(spec.layer.bias.begin(), spec.layer.bias.end()) {
    bias.resize(conv.out_channels);
  }

  ir::Conv2d conv;
  ir::Shape in;
  ir::Shape out;
  std::int32_t zero_point;
  Taps taps;
  Requantizer requantizer;
  std::vector<std::int64_t> bias;

  int in_per_group() const { return in.channels / conv.groups; }
  int out_per_group() const { return conv.out_channels / conv.groups; }
};

/// The layer's weight for an output channel, tap and input channel of its group.
std::int8_t weight_at(const KernelSpec& spec, const Parts& parts, int channel, int tap, int input) {
  const std::size_t row = static_cast<std::size_t>(channel) * parts.in_per_group() + input;
  return spec.layer.weight[row * parts.taps.count() + tap];
}

/// Rows of inputs under the window (im2col, zero points taken off) times rows of weights.
class DenseConvolution final : public IntegerKernel {
 public:
  explicit DenseConvolution(const KernelSpec& spec)
      : parts_(spec),
        length_((std::ptrdiff_t{parts_.taps.count()} * parts_.in_per_group() + kDotStep - 1) /
                kDotStep * kDotStep),
        rows_((parts_.out_per_group() + kDotRows - 1) / kDotRows * kDotRows),
        dot_(dot_products()),
        weights_(static_cast<std::size_t>(length_) * rows_ * parts_.conv.groups) {
    const int depth = parts_.in_per_group();
    for (int channel = 0; channel < parts_.conv.out_channels; ++channel) {
      const int group = channel / parts_.out_per_group();
      const int row = group * rows_ + channel % parts_.out_per_group();
      for (int tap = 0; tap < parts_.taps.count(); ++tap) {
        for (int i = 0; i < depth; ++i) {
          weights_[row * length_ + tap * depth + i] = weight_at(spec, parts_, channel, tap, i);
        }
      }
    }
  }

  void run(Inputs inputs, Output output) const override {
    std::vector<std::int16_t> values(length_);
    for (int y = 0; y < parts_.out.height; ++y) {
      for (int x = 0; x < parts_.out.width; ++x) {
        std::int16_t* const pixel =
            &output[(static_cast<std::size_t>(y) * parts_.out.width + x) * parts_.out.channels];
        for (int group = 0; group < parts_.conv.groups; ++group) {
          gather(inputs[0], y, x, group, values);
          multiply(values, group, pixel);
        }
      }
    }
  }

 private:
  void gather(std::span<const std::int16_t> input, int y, int x, int group,
              std::vector<std::int16_t>& values) const {
    const int depth = parts_.in_per_group();
    std::int16_t* to = values.data();
    for (int tap = 0; tap < parts_.taps.count(); ++tap, to += depth) {
      const std::ptrdiff_t pixel = parts_.taps.pixel(y, x, tap);
      if (pixel < 0) {
        std::fill_n(to, depth, std::int16_t{0});
        continue;
      }
      const std::int16_t* const from =
          &input[pixel * parts_.in.channels + static_cast<std::ptrdiff_t>(group) * depth];
      for (int i = 0; i < depth; ++i)
        to[i] = static_cast<std::int16_t>(from[i] - parts_.zero_point);
    }
  }

  void multiply(const std::vector<std::int16_t>& values, int group, std::int16_t* pixel) const {
    std::int32_t sums[kDotRows];
    const int outputs = parts_.out_per_group();
    for (int first = 0; first < outputs; first += kDotRows) {
      dot_(&weights_[(std::ptrdiff_t{group} * rows_ + first) * length_], values.data(), length_,
           sums);
      for (int i = 0; i < std::min(kDotRows, outputs - first); ++i) {
        const int channel = group * outputs + first + i;
        const auto bias = static_cast<std::uint32_t>(parts_.bias[channel]);
        const auto sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(sums[i]) + bias);
        pixel[channel] = parts_.requantizer(sum, channel);
      }
    }
  }

  Parts parts_;
  std::ptrdiff_t length_;  ///< of a row, padded with zeros
  int rows_;               ///< of a group's weights, padded with zeros
  DotProducts dot_;
  std::vector<std::int16_t> weights_;
};

/// One filter a channel: all channels of a pixel at once.
class DepthwiseConvolution final : public IntegerKernel {
 public:
  explicit DepthwiseConvolution(const KernelSpec& spec)
      : parts_(spec),
        weights_(static_cast<std::size_t>(parts_.taps.count()) * parts_.conv.out_channels) {
    for (int tap = 0; tap < parts_.taps.count(); ++tap) {
      for (int channel = 0; channel < parts_.conv.out_channels; ++channel) {
        weights_[static_cast<std::size_t>(tap) * parts_.conv.out_channels + channel] =
            weight_at(spec, parts_, channel, tap, 0);
      }
    }
  }

  void run(Inputs inputs, Output output) const override {
    const int channels = parts_.conv.out_channels;
    const std::vector<std::int32_t> bias(parts_.bias.begin(), parts_.bias.end());
    std::vector<std::int32_t> sums(channels);
    std::int16_t* to = output.data();
    for (int y = 0; y < parts_.out.height; ++y) {
      for (int x = 0; x < parts_.out.width; ++x, to += channels) {
        sums = bias;
        for (int tap = 0; tap < parts_.taps.count(); ++tap) {
          const std::ptrdiff_t pixel = parts_.taps.pixel(y, x, tap);
          if (pixel >= 0) accumulate(&inputs[0][pixel * channels], tap, sums.data());
        }
        for (int c = 0; c < channels; ++c) to[c] = parts_.requantizer(sums[c], c);
      }
    }
  }

 private:
  void accumulate(const std::int16_t* pixel, int tap, std::int32_t* sums) const {
    const int channels = parts_.conv.out_channels;
    const std::int16_t* const weights = &weights_[static_cast<std::size_t>(tap) * channels];
    for (int c = 0; c < channels; ++c) {
      sums[c] += std::int32_t{weights[c]} * (pixel[c] - parts_.zero_point);
    }
  }

  Parts parts_;
  std::vector<std::int16_t> weights_;  ///< taps x channels
};

/// Any convolution, one product at a time: for sums of 48 bits, and for processors that saturate.
class PlainConvolution final : public IntegerKernel {
 public:
  PlainConvolution(const KernelSpec& spec, bool saturating)
      : parts_(spec),
        saturating_(saturating),
        wide_(spec.inputs.front().bits == 16),
        depth_(parts_.taps.count() * parts_.in_per_group()) {
    for (int channel = 0; channel < parts_.conv.out_channels; ++channel) {
      for (int tap = 0; tap < parts_.taps.count(); ++tap) {
        for (int i = 0; i < parts_.in_per_group(); ++i) {
          weights_.push_back(weight_at(spec, parts_, channel, tap, i));
        }
      }
    }
  }

  void run(Inputs inputs, Output output) const override {
    std::vector<std::int16_t> values(depth_);
    std::size_t to = 0;
    for (int y = 0; y < parts_.out.height; ++y) {
      for (int x = 0; x < parts_.out.width; ++x) {
        for (int channel = 0; channel < parts_.conv.out_channels; ++channel, ++to) {
          if (channel % parts_.out_per_group() == 0) {
            gather(inputs[0], y, x, channel / parts_.out_per_group(), values);
          }
          const std::int64_t sum = dot(values, channel) + parts_.bias[channel];
          output[to] = wide_ ? parts_.requantizer.wide(sum, channel)
                             : parts_.requantizer(static_cast<std::int32_t>(sum), channel);
        }
      }
    }
  }

 private:
  /// Values as they are, padding as the zero point.
  void gather(std::span<const std::int16_t> input, int y, int x, int group,
              std::vector<std::int16_t>& values) const {
    const int depth = parts_.in_per_group();
    auto to = values.begin();
    for (int tap = 0; tap < parts_.taps.count(); ++tap) {
      const std::ptrdiff_t pixel = parts_.taps.pixel(y, x, tap);
      for (int i = 0; i < depth; ++i, ++to) {
        *to = pixel < 0 ? static_cast<std::int16_t>(parts_.zero_point)
                        : input[pixel * parts_.in.channels +
                                static_cast<std::ptrdiff_t>(group) * depth + i];
      }
    }
  }

  std::int64_t dot(const std::vector<std::int16_t>& values, int channel) const {
    const std::int8_t* const weights = &weights_[static_cast<std::size_t>(channel) * depth_];
    std::int64_t sum = 0;
    if (!saturating_) {
      for (int k = 0; k < depth_; ++k)
        sum += std::int64_t{weights[k]} * (values[k] - parts_.zero_point);
      return sum;
    }
    // vpmaddubsw takes values of 0..255, whose zero point is taken off afterwards.
    std::int64_t weight_sum = 0;
    for (int k = 0; k < depth_; k += 2) {
      std::int32_t pair = (values[k] + 128) * weights[k];
      weight_sum += weights[k];
      if (k + 1 < depth_) {
        pair += (values[k + 1] + 128) * weights[k + 1];
        weight_sum += weights[k + 1];
      }
      sum += std::clamp<std::int32_t>(pair, std::numeric_limits<std::int16_t>::min(),
                                      std::numeric_limits<std::int16_t>::max());
    }
    return sum - weight_sum * (parts_.zero_point + 128);
  }

  Parts parts_;
  bool saturating_;
  bool wide_;
  int depth_;
  std::vector<std::int8_t> weights_;  ///< out x taps x in/groups
};

}  // namespace

std::unique_ptr<IntegerKernel> make_convolution(const KernelSpec& spec) {
  const ir::Conv2d conv = as_convolution(spec.layer.op);
  const int channels = spec.input_shapes.front().channels;
  const bool depthwise = conv.groups == channels && conv.out_channels == channels;
  const bool wide = spec.inputs.front().bits == 16;
  const bool saturating = spec.arithmetic.u8s8_saturates && !depthwise && !wide;
  const bool in_float = spec.arithmetic.requantization == ir::Requantization::kFloatRne ||
                        spec.arithmetic.requantization == ir::Requantization::kFloatTrunc;
  if (wide && in_float) {
    throw invalid_argument(
        "layer '{}': activations of 16 bits have no kernel with {} requantization", spec.layer.name,
        ir::to_string(spec.arithmetic.requantization));
  }
  if (wide || saturating) return std::make_unique<PlainConvolution>(spec, saturating);
  if (depthwise && channels > 1) return std::make_unique<DepthwiseConvolution>(spec);
  return std::make_unique<DenseConvolution>(spec);
}

}  // namespace hwnas::compression
