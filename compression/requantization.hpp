#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ir/quantized_network.hpp"

namespace hwnas::compression {

/// A positive real factor as integers: real = multiplier · 2^(shift − 31), with multiplier in
/// [2^30, 2^31), or 0 for factors under 2^-32.
struct FixedPointFactor {
  std::int32_t multiplier = 0;
  int shift = 0;
  bool operator==(const FixedPointFactor&) const = default;
};

/// The nearest one; halves away from zero (TensorFlow Lite, QuantizeMultiplier). Throws
/// InvalidArgument if `factor` is negative, not finite, or 2^31 or more.
FixedPointFactor fixed_point_factor(double factor);

/// ⌊2ab/2^32⌉, halves away from zero; saturates where a = b = −2^31. (Jacob et al., "Quantization
/// and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, app. B.)
inline std::int32_t doubling_high_multiply(std::int32_t a, std::int32_t b) {
  constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
  if (a == kLowest && b == kLowest) return std::numeric_limits<std::int32_t>::max();
  const std::int64_t product = std::int64_t{a} * b;
  const std::int64_t nudge = product >= 0 ? (1LL << 30) : 1 - (1LL << 30);
  return static_cast<std::int32_t>((product + nudge) / (1LL << 31));
}

/// ⌊x/2^exponent⌉, halves away from zero; exponent in 0..31.
inline std::int32_t rounding_divide_by_power_of_two(std::int32_t x, int exponent) {
  const auto mask = static_cast<std::int32_t>((1LL << exponent) - 1);
  const std::int32_t remainder = x & mask;
  const std::int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

/// x · factor, rounded twice: doubling high multiplication, then the rounding division.
inline std::int32_t multiply_rounding_twice(std::int32_t x, const FixedPointFactor& factor) {
  const int left = std::max(factor.shift, 0);
  const int right = std::max(-factor.shift, 0);
  // As in TensorFlow Lite, a left shift may wrap around.
  const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << left);
  return rounding_divide_by_power_of_two(doubling_high_multiply(shifted, factor.multiplier), right);
}
/// x · factor, rounded once, halves up; factor under 2^30.
inline std::int32_t multiply_rounding_once(std::int32_t x, const FixedPointFactor& factor) {
  const int shift = 31 - factor.shift;
  const std::int64_t product = std::int64_t{x} * factor.multiplier;
  return static_cast<std::int32_t>((product + (std::int64_t{1} << (shift - 1))) >> shift);
}
/// x · factor for |x| < 2^47, as sums over 16-bit activations have: with the 16 highest bits of the
/// multiplier, rounded once, halves up.
std::int32_t multiply_wide(std::int64_t x, const FixedPointFactor& factor);

/// The nearest integer, halves to even; saturates at ±2^30.
inline std::int32_t round_half_even(float x) {
  return static_cast<std::int32_t>(std::nearbyint(std::clamp(x, -0x1p30F, 0x1p30F)));
}
/// Towards zero; saturates at ±2^30.
inline std::int32_t saturating_cast(float x) {
  return static_cast<std::int32_t>(std::clamp(x, -0x1p30F, 0x1p30F));
}

/// Brings sums of products to the scale of an output, channel by channel, as a target does.
class Requantizer {
 public:
  /// `input_scale` and `output` are those of the layer; one weight scale a channel, or one for all.
  /// `product_in_float`: input scale times weight scale is rounded to float32, as TensorFlow Lite
  /// does for fully connected layers. Throws InvalidArgument for factors out of range.
  Requantizer(ir::Requantization mode, float input_scale, std::span<const float> weight_scales,
              const ir::Quantization& output, ir::IntegerRange range, bool product_in_float);

  std::int16_t operator()(std::int32_t sum, int channel) const;
  /// Of sums over 16-bit activations, in the tfl modes.
  std::int16_t wide(std::int64_t sum, int channel) const;

 private:
  ir::Requantization mode_;
  std::vector<FixedPointFactor> fixed_;
  std::vector<float> float_;
  std::int32_t zero_point_;
  ir::IntegerRange range_;
  int channel_step_;  ///< 0 where one factor is for all channels
};

inline std::int16_t Requantizer::operator()(std::int32_t sum, int channel) const {
  const int index = channel * channel_step_;
  std::int32_t scaled = 0;
  switch (mode_) {
    case ir::Requantization::kTflDouble:
      scaled = multiply_rounding_twice(sum, fixed_[index]);
      break;
    case ir::Requantization::kTflSingle:
      scaled = multiply_rounding_once(sum, fixed_[index]);
      break;
    case ir::Requantization::kFloatRne:
      scaled = round_half_even(static_cast<float>(sum) * float_[index]);
      break;
    case ir::Requantization::kFloatTrunc:
      scaled = saturating_cast(static_cast<float>(sum) * float_[index]);
      break;
  }
  return static_cast<std::int16_t>(
      std::clamp<std::int64_t>(std::int64_t{scaled} + zero_point_, range_.lowest, range_.highest));
}

}  // namespace hwnas::compression
