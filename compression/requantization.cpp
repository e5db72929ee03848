#include "compression/requantization.hpp"

#include <cmath>

#include "core/error.hpp"

namespace hwnas::compression {

FixedPointFactor fixed_point_factor(double factor) {
  if (!std::isfinite(factor) || factor < 0 || factor >= 0x1p31) {
    throw invalid_argument("a requantization factor of {}, not in 0..2^31", factor);
  }
  if (factor == 0) return {};
  int shift = 0;
  const double mantissa = std::frexp(factor, &shift);
  auto multiplier = static_cast<std::int64_t>(std::round(mantissa * 0x1p31));
  if (multiplier == std::int64_t{1} << 31) {
    multiplier /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  return {.multiplier = static_cast<std::int32_t>(multiplier), .shift = shift};
}

std::int32_t multiply_wide(std::int64_t x, const FixedPointFactor& factor) {
  const std::int64_t multiplier =
      factor.multiplier < 0x7FFF0000 ? (factor.multiplier + (std::int64_t{1} << 15)) >> 16 : 0x7FFF;
  const int shift = 15 - factor.shift;
  return static_cast<std::int32_t>((x * multiplier + (std::int64_t{1} << (shift - 1))) >> shift);
}

Requantizer::Requantizer(ir::Requantization mode, float input_scale,
                         std::span<const float> weight_scales, const ir::Quantization& output,
                         ir::IntegerRange range, bool product_in_float)
    : mode_(mode),
      zero_point_(output.zero_point),
      range_(range),
      channel_step_(weight_scales.size() == 1 ? 0 : 1) {
  for (const float weight_scale : weight_scales) {
    const double product = product_in_float ? static_cast<double>(input_scale * weight_scale)
                                            : static_cast<double>(input_scale) * weight_scale;
    const double factor = product / output.scale;
    // Rounding once needs a right shift; TensorFlow Lite refuses such factors as well.
    if (factor >= 0x1p7) {
      throw invalid_argument(
          "a requantization factor of {}: input scale {} times weight scale {} "
          "is 128 or more output scales of {}",
          factor, input_scale, weight_scale, output.scale);
    }
    fixed_.push_back(fixed_point_factor(factor));
    float_.push_back(input_scale * weight_scale / output.scale);
  }
}

std::int16_t Requantizer::wide(std::int64_t sum, int channel) const {
  const std::int32_t scaled = multiply_wide(sum, fixed_[channel * channel_step_]);
  return static_cast<std::int16_t>(
      std::clamp<std::int64_t>(std::int64_t{scaled} + zero_point_, range_.lowest, range_.highest));
}

}  // namespace hwnas::compression
