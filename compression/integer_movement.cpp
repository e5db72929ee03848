#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "compression/integer_kernel.hpp"
#include "compression/requantization.hpp"

namespace hwnas::compression {

namespace {

using Inputs = std::span<const std::span<const std::int16_t>>;
using Output = std::span<std::int16_t>;

class Concatenation final : public IntegerKernel {
 public:
  explicit Concatenation(std::vector<ir::Shape> shapes) : shapes_(std::move(shapes)) {}

  void run(Inputs inputs, Output output) const override {
    const int pixels = shapes_.front().height * shapes_.front().width;
    auto to = output.begin();
    for (int pixel = 0; pixel < pixels; ++pixel) {
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const int channels = shapes_[i].channels;
        to = std::copy_n(inputs[i].begin() + static_cast<std::ptrdiff_t>(pixel) * channels,
                         channels, to);
      }
    }
  }

 private:
  std::vector<ir::Shape> shapes_;
};

class Padding final : public IntegerKernel {
 public:
  Padding(const ir::Shape& in, const ir::Shape& out, const ir::Padding& padding, int value)
      : in_(in), out_(out), padding_(padding), value_(static_cast<std::int16_t>(value)) {}

  void run(Inputs inputs, Output output) const override {
    std::fill(output.begin(), output.end(), value_);
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(in_.width) * in_.channels;
    for (std::ptrdiff_t y = 0; y < in_.height; ++y) {
      const std::ptrdiff_t to = (y + padding_.top) * out_.width + padding_.left;
      std::copy_n(inputs[0].begin() + y * row, row, output.begin() + to * in_.channels);
    }
  }

 private:
  ir::Shape in_;
  ir::Shape out_;
  ir::Padding padding_;
  std::int16_t value_;
};

/// To channels x height x width order, as linear layers read it.
class Flattening final : public IntegerKernel {
 public:
  explicit Flattening(const ir::Shape& in) : in_(in) {}

  void run(Inputs inputs, Output output) const override {
    const int pixels = in_.height * in_.width;
    for (int pixel = 0; pixel < pixels; ++pixel) {
      for (int c = 0; c < in_.channels; ++c) {
        output[static_cast<std::size_t>(c) * pixels + pixel] =
            inputs[0][static_cast<std::size_t>(pixel) * in_.channels + c];
      }
    }
  }

 private:
  ir::Shape in_;
};

/// A mean with the halves away from zero: of the integers as they are in the tfl modes, of their
/// distance to the zero point and to even in the float modes.
class Mean {
 public:
  Mean(bool in_float, int zero_point) : in_float_(in_float), zero_point_(zero_point) {}

  std::int16_t operator()(std::int32_t sum, int count) const {
    if (in_float_) {
      const float mean = static_cast<float>(sum - count * zero_point_) / static_cast<float>(count);
      return static_cast<std::int16_t>(round_half_even(mean) + zero_point_);
    }
    return static_cast<std::int16_t>((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
  }

 private:
  bool in_float_;
  int zero_point_;
};

/// Calls `visit` for the window's pixels that exist, row by row; returns their number.
template <typename Visit>
int for_each_pixel(const ir::Shape& in, const ir::Window& window, int y, int x, Visit visit) {
  const int top = y * window.stride_height - window.padding.top;
  const int left = x * window.stride_width - window.padding.left;
  int count = 0;
  for (int iy = std::max(top, 0); iy < std::min(top + window.kernel_height, in.height); ++iy) {
    for (int ix = std::max(left, 0); ix < std::min(left + window.kernel_width, in.width); ++ix) {
      visit(static_cast<std::size_t>(iy) * in.width + ix);
      ++count;
    }
  }
  return count;
}

class Pooling final : public IntegerKernel {
 public:
  Pooling(ir::Shape in, ir::Shape out, const ir::Pool& pool, Mean mean)
      : in_(in), out_(out), pool_(pool), mean_(mean) {}

  void run(Inputs inputs, Output output) const override {
    std::vector<std::int32_t> values(in_.channels);
    auto to = output.begin();
    for (int y = 0; y < out_.height; ++y) {
      for (int x = 0; x < out_.width; ++x, to += in_.channels) {
        const int count = gather(inputs[0], y, x, values);
        for (int c = 0; c < in_.channels; ++c) {
          to[c] = pool_.kind == ir::PoolKind::kMax ? static_cast<std::int16_t>(values[c])
                                                   : mean_(values[c], count);
        }
      }
    }
  }

 private:
  /// Sums or maxima over the window's pixels that exist, and their number.
  int gather(std::span<const std::int16_t> input, int y, int x,
             std::vector<std::int32_t>& values) const {
    const bool max = pool_.kind == ir::PoolKind::kMax;
    std::fill(values.begin(), values.end(), max ? std::numeric_limits<std::int16_t>::min() : 0);
    return for_each_pixel(in_, pool_.window, y, x, [&](std::size_t pixel) {
      for (int c = 0; c < in_.channels; ++c) {
        const std::int16_t value = input[pixel * in_.channels + c];
        values[c] = max ? std::max<std::int32_t>(values[c], value) : values[c] + value;
      }
    });
  }

  ir::Shape in_;
  ir::Shape out_;
  ir::Pool pool_;
  Mean mean_;
};

/// Average pooling of the float modes, as ONNX Runtime's QLinearAveragePool: real values are summed
/// row by row in float32, and the stored zero point (of uint8) is added before rounding to even.
/// Halves are frequent here, and only the same order of operations breaks them alike.
class RealAverage final : public IntegerKernel {
 public:
  RealAverage(ir::Shape in, ir::Shape out, const ir::Window& window, const ir::Quantization& q)
      : in_(in), out_(out), window_(window), quantization_(q) {}

  void run(Inputs inputs, Output output) const override {
    const int offset = quantization_.bits == 8 ? 128 : 0;
    const auto stored_zero = static_cast<float>(quantization_.zero_point + offset);
    std::vector<float> sums(in_.channels);
    auto to = output.begin();
    for (int y = 0; y < out_.height; ++y) {
      for (int x = 0; x < out_.width; ++x, to += in_.channels) {
        std::fill(sums.begin(), sums.end(), 0.0F);
        const int count = for_each_pixel(in_, window_, y, x, [&](std::size_t pixel) {
          for (int c = 0; c < in_.channels; ++c) {
            const int distance = inputs[0][pixel * in_.channels + c] - quantization_.zero_point;
            sums[c] += quantization_.scale * static_cast<float>(distance);
          }
        });
        for (int c = 0; c < in_.channels; ++c) {
          const float mean = sums[c] / static_cast<float>(count);
          const std::int32_t stored = round_half_even(mean / quantization_.scale + stored_zero);
          to[c] = static_cast<std::int16_t>(stored - offset);
        }
      }
    }
  }

 private:
  ir::Shape in_;
  ir::Shape out_;
  ir::Window window_;
  ir::Quantization quantization_;
};

}  // namespace

std::unique_ptr<IntegerKernel> make_movement(const KernelSpec& spec) {
  const ir::Shape& in = spec.input_shapes.front();
  const ir::Operator& op = spec.layer.op;
  if (std::holds_alternative<ir::Concat>(op)) {
    return std::make_unique<Concatenation>(spec.input_shapes);
  }
  if (std::holds_alternative<ir::Flatten>(op)) return std::make_unique<Flattening>(in);
  const int zero_point = spec.layer.output.zero_point;
  if (const auto* const pad = std::get_if<ir::Pad>(&op)) {
    return std::make_unique<Padding>(in, spec.output_shape, pad->padding, zero_point);
  }
  const bool in_float = spec.arithmetic.requantization == ir::Requantization::kFloatRne ||
                        spec.arithmetic.requantization == ir::Requantization::kFloatTrunc;
  const Mean mean(in_float, zero_point);
  if (const auto* const pool = std::get_if<ir::Pool>(&op)) {
    if (in_float && pool->kind == ir::PoolKind::kAverage) {
      return std::make_unique<RealAverage>(in, spec.output_shape, pool->window, spec.layer.output);
    }
    return std::make_unique<Pooling>(in, spec.output_shape, *pool, mean);
  }
  const ir::Pool whole{
      .kind = ir::PoolKind::kAverage,
      .window = {.kernel_height = in.height, .kernel_width = in.width, .padding = {}}};
  return std::make_unique<Pooling>(in, spec.output_shape, whole, mean);
}

}  // namespace hwnas::compression
