#include "compression/requantization.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace hwnas::compression {

FixedPointFactor fixed_point_factor(double factor) {
  if (!std::isfinite(factor) || factor < 0 || factor >= 0x1p30) {
    throw invalid_argument("a requantization factor of {}, not in 0..2^30", factor);
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

std::int32_t doubling_high_multiply(std::int32_t a, std::int32_t b) {
  constexpr std::int32_t kLowest = std::numeric_limits<std::int32_t>::min();
  if (a == kLowest && b == kLowest) return std::numeric_limits<std::int32_t>::max();
  const std::int64_t product = std::int64_t{a} * b;
  const std::int64_t nudge = product >= 0 ? (1LL << 30) : 1 - (1LL << 30);
  return static_cast<std::int32_t>((product + nudge) / (1LL << 31));
}

std::int32_t rounding_divide_by_power_of_two(std::int32_t x, int exponent) {
  const auto mask = static_cast<std::int32_t>((1LL << exponent) - 1);
  const std::int32_t remainder = x & mask;
  const std::int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> exponent) + (remainder > threshold ? 1 : 0);
}

std::int32_t multiply_rounding_twice(std::int32_t x, const FixedPointFactor& factor) {
  const int left = std::max(factor.shift, 0);
  const int right = std::max(-factor.shift, 0);
  // As TensorFlow Lite does it, a left shift may wrap around.
  const auto shifted = static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << left);
  return rounding_divide_by_power_of_two(doubling_high_multiply(shifted, factor.multiplier), right);
}

std::int32_t multiply_rounding_once(std::int64_t x, const FixedPointFactor& factor) {
  const int shift = 31 - factor.shift;
  const __int128 rounded =
      (static_cast<__int128>(x) * factor.multiplier + (static_cast<__int128>(1) << (shift - 1))) >>
      shift;
  return static_cast<std::int32_t>(
      std::clamp<__int128>(rounded, std::numeric_limits<std::int32_t>::min(),
                           std::numeric_limits<std::int32_t>::max()));
}

}  // namespace hwnas::compression
