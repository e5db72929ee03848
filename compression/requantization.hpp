#pragma once

#include <cstdint>

#include "ir/quantization.hpp"

namespace hwnas::compression {

/// A positive real factor as integers: real = multiplier · 2^(shift − 31), with multiplier in
/// [2^30, 2^31), or 0 for factors under 2^-32.
struct FixedPointFactor {
  std::int32_t multiplier = 0;
  int shift = 0;
  bool operator==(const FixedPointFactor&) const = default;
};

/// The nearest one; halves away from zero (TensorFlow Lite, QuantizeMultiplier). Throws
/// InvalidArgument if `factor` is negative, not finite, or 2^30 or more.
FixedPointFactor fixed_point_factor(double factor);

/// ⌊2ab/2^32⌉, halves away from zero; saturates where a = b = −2^31. (Jacob et al., "Quantization
/// and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, app. B.)
std::int32_t doubling_high_multiply(std::int32_t a, std::int32_t b);

/// ⌊x/2^exponent⌉, halves away from zero; exponent in 0..31.
std::int32_t rounding_divide_by_power_of_two(std::int32_t x, int exponent);

/// x · factor, rounded twice: doubling high multiplication, then the rounding division.
std::int32_t multiply_rounding_twice(std::int32_t x, const FixedPointFactor& factor);
/// x · factor, rounded once, halves up. Also of 48-bit accumulators, as 16-bit activations have.
std::int32_t multiply_rounding_once(std::int64_t x, const FixedPointFactor& factor);

}  // namespace hwnas::compression
