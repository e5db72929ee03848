#include "compression/fixed_point_functions.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "compression/requantization.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

// Raw values of fixed-point numbers of 32 bits: "Q<n>" has n integer bits and 31 − n fractional
// ones. Products of Qm and Qn by doubling_high_multiply are Q(m + n).
using Raw = std::int32_t;
constexpr Raw kMax = std::numeric_limits<Raw>::max();
constexpr Raw kMin = std::numeric_limits<Raw>::min();

Raw shift_left_saturating(Raw x, int bits) {
  const std::int64_t wide = static_cast<std::int64_t>(x) * (std::int64_t{1} << bits);
  return static_cast<Raw>(std::clamp<std::int64_t>(wide, kMin, kMax));
}

/// Taylor's series around −1/8. Q0 to Q0.
Raw exp_between_minus_quarter_and_0(Raw a) {
  constexpr Raw kExpOfMinusEighth = 1895147668;  // e^(−1/8) · 2^31
  constexpr Raw kThird = 715827883;              // 2^31 / 3
  const Raw x = a + (1 << 28);
  const Raw x2 = doubling_high_multiply(x, x);
  const Raw x3 = doubling_high_multiply(x2, x);
  const Raw x4 = doubling_high_multiply(x2, x2);
  const Raw x4_over_4 = rounding_divide_by_power_of_two(x4, 2);
  const Raw high_terms =
      rounding_divide_by_power_of_two(doubling_high_multiply(x4_over_4 + x3, kThird) + x2, 1);
  return kExpOfMinusEighth + doubling_high_multiply(kExpOfMinusEighth, x + high_terms);
}

/// e^a for a <= 0 in Q`integer_bits` (at most 5), in Q0: the series for the remainder of a division
/// by 1/4, times e^(−1/4), e^(−1/2), e^−1, … for the bits of the quotient.
Raw exp_of_negative(Raw a, int integer_bits) {
  constexpr std::array<Raw, 7> kExpOfMinusPowers = {1672461947, 1302514674, 790015084, 290630308,
                                                    39332535,   720401,     242};
  if (a == 0) return kMax;
  const int fractional_bits = 31 - integer_bits;
  const Raw quarter = Raw{1} << (fractional_bits - 2);
  const Raw remainder = (a & (quarter - 1)) - quarter;
  Raw result = exp_between_minus_quarter_and_0(shift_left_saturating(remainder, integer_bits));
  const Raw quotient = remainder - a;
  for (int i = 0; i < std::ssize(kExpOfMinusPowers); ++i) {
    const int exponent = i - 2;
    if (exponent >= integer_bits) break;
    if ((quotient & (Raw{1} << (fractional_bits + exponent))) != 0) {
      result = doubling_high_multiply(result, kExpOfMinusPowers[i]);
    }
  }
  return result;
}

/// 1/(1 + a) for a in 0..1, Q0 to Q0, by three steps of Newton and Raphson.
Raw one_over_one_plus(Raw a) {
  constexpr Raw k48Over17 = 1515870810;        // Q2
  constexpr Raw kMinus32Over17 = -1010580540;  // Q2
  constexpr Raw kOneQ2 = 1 << 29;
  const auto half_denominator = static_cast<Raw>((std::int64_t{a} + kMax + 1) / 2);
  Raw x = k48Over17 + doubling_high_multiply(half_denominator, kMinus32Over17);
  for (int step = 0; step < 3; ++step) {
    const Raw error = kOneQ2 - doubling_high_multiply(half_denominator, x);
    x += shift_left_saturating(doubling_high_multiply(x, error), 2);
  }
  return shift_left_saturating(x, 1);
}

/// The largest |difference| that a left shift by `shift` brings to at most 2^`integer_bits`.
int input_radius(int integer_bits, int shift) {
  const double largest =
      ((1 << integer_bits) - 1) * std::ldexp(1.0, 31 - integer_bits) / std::ldexp(1.0, shift);
  return static_cast<int>(std::floor(largest));
}

Raw sigmoid_q0(Raw a, int integer_bits) {
  if (a == 0) return 1 << 30;
  const Raw positive = one_over_one_plus(exp_of_negative(a > 0 ? -a : a, integer_bits));
  return a > 0 ? positive : kMax - positive;
}

/// e^difference in Q0, as softmax computes it for differences from the largest input.
class Exponential {
 public:
  explicit Exponential(float input_scale)
      : factor_(fixed_point_factor(std::min(
            static_cast<double>(input_scale) * (1 << (31 - kIntegerBits)), 0x1p31 - 1))),
        lowest_(-input_radius(kIntegerBits, factor_.shift)) {}

  bool is_zero(int difference) const { return difference < lowest_; }
  Raw operator()(int difference) const {
    return exp_of_negative(multiply_rounding_twice(difference, factor_), kIntegerBits);
  }

 private:
  static constexpr int kIntegerBits = 5;
  FixedPointFactor factor_;
  int lowest_;
};

std::int16_t saturated(std::int32_t value) {
  return static_cast<std::int16_t>(std::clamp(value, -128, 127));
}

template <typename Function>
Table tabulate(const ir::Quantization& input, const Function& function) {
  Table table{};
  for (int q = -128; q < 128; ++q) {
    table[q + 128] = saturated(function(q - input.zero_point));
  }
  return table;
}

std::int16_t doubling_high_multiply_16(std::int16_t a, std::int16_t b) {
  constexpr auto kLowest = std::numeric_limits<std::int16_t>::min();
  if (a == kLowest && b == kLowest) return std::numeric_limits<std::int16_t>::max();
  const std::int32_t product = std::int32_t{a} * b;
  const std::int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
  return static_cast<std::int16_t>((product + nudge) / (1 << 15));
}

std::int16_t truncating_high_multiply_16(std::int16_t a, std::int16_t b) {
  constexpr auto kLowest = std::numeric_limits<std::int16_t>::min();
  if (a == kLowest && b == kLowest) return std::numeric_limits<std::int16_t>::max();
  return static_cast<std::int16_t>(std::int32_t{a} * b / (1 << 15));
}

std::int16_t shift_left_saturating_16(std::int16_t x, int bits) {
  const std::int64_t wide = static_cast<std::int64_t>(x) * (std::int64_t{1} << bits);
  return static_cast<std::int16_t>(std::clamp<std::int64_t>(
      wide, std::numeric_limits<std::int16_t>::min(), std::numeric_limits<std::int16_t>::max()));
}

std::int16_t to_16_bits(std::int32_t multiplier) {
  constexpr std::int32_t kHalf = 1 << 15;
  if (multiplier >= kMax - kHalf) return std::numeric_limits<std::int16_t>::max();
  return static_cast<std::int16_t>((multiplier + kHalf) >> 16);
}

/// (x + 3)/6 clamped to 0..1, as a fraction of 2^15, of x at 2^-7 of the input's scale.
std::int16_t relu6_fraction(std::int16_t x, std::int16_t multiplier, int exponent) {
  std::int16_t fraction = x;
  if (exponent > 0) fraction = shift_left_saturating_16(fraction, exponent - 1);
  fraction = doubling_high_multiply_16(fraction, multiplier);
  if (exponent > 0) fraction = shift_left_saturating_16(fraction, 1);
  if (exponent < 0) {
    fraction = static_cast<std::int16_t>(rounding_divide_by_power_of_two(fraction, -exponent));
  }
  return static_cast<std::int16_t>((fraction + (1 << 15)) >> 1);
}

}  // namespace

Table fixed_point_sigmoid(const ir::Quantization& input) {
  constexpr int kIntegerBits = 4;
  const FixedPointFactor factor =
      fixed_point_factor(static_cast<double>(input.scale) * (1 << (31 - kIntegerBits)));
  const int radius = input_radius(kIntegerBits, factor.shift);
  return tabulate(input, [&](int x) {
    if (x <= -radius) return -128;
    if (x >= radius) return 127;
    const Raw q4 = multiply_rounding_twice(x, factor);
    return rounding_divide_by_power_of_two(sigmoid_q0(q4, kIntegerBits), 23) - 128;
  });
}

Table fixed_point_hard_swish(const ir::Quantization& input, const ir::Quantization& output) {
  const float fine_scale = input.scale / 128.0F;
  const FixedPointFactor to_output = fixed_point_factor(fine_scale / output.scale);
  if (to_output.shift > 0) {
    throw invalid_argument(
        "hard_swish from scale {} to {}: the output's must be 1/128 or more of "
        "the input's",
        input.scale, output.scale);
  }
  const FixedPointFactor to_fraction = fixed_point_factor(fine_scale / (3.0F / 32768.0F));
  const std::int16_t output_multiplier = to_16_bits(to_output.multiplier);
  const std::int16_t fraction_multiplier = to_16_bits(to_fraction.multiplier);
  return tabulate(input, [&](int x) {
    const auto fine = static_cast<std::int16_t>(x * 128);
    const std::int16_t scaled = doubling_high_multiply_16(fine, output_multiplier);
    const std::int16_t fraction = relu6_fraction(fine, fraction_multiplier, to_fraction.shift);
    const std::int16_t product = truncating_high_multiply_16(fraction, scaled);
    return rounding_divide_by_power_of_two(product, -to_output.shift) + output.zero_point;
  });
}

Table fixed_point_relu(const ir::Quantization& input, const ir::Quantization& output, bool six,
                       ir::Requantization mode) {
  const FixedPointFactor factor = fixed_point_factor(input.scale / output.scale);
  const int highest =
      six ? std::min(127, output.zero_point + static_cast<int>(std::round(6.0F / output.scale)))
          : 127;
  return tabulate(input, [&](int x) {
    const std::int32_t scaled = mode == ir::Requantization::kTflSingle
                                    ? multiply_rounding_once(x, factor)
                                    : multiply_rounding_twice(x, factor);
    return std::clamp(scaled + output.zero_point, output.zero_point, highest);
  });
}

std::array<std::int32_t, 256> fixed_point_exponentials(float input_scale) {
  const Exponential exponential(input_scale);
  std::array<std::int32_t, 256> table{};
  for (int difference = 0; difference < 256; ++difference) {
    table[difference] = exponential.is_zero(-difference) ? 0 : exponential(-difference);
  }
  return table;
}

void fixed_point_softmax(float input_scale, std::span<const std::int16_t> input,
                         std::span<std::int16_t> output) {
  constexpr int kSumBits = 12;
  const Exponential exponential(input_scale);
  const std::int16_t largest = *std::max_element(input.begin(), input.end());
  Raw sum = 0;
  for (const std::int16_t value : input) {
    if (exponential.is_zero(value - largest)) continue;
    sum += rounding_divide_by_power_of_two(exponential(value - largest), kSumBits);
  }
  const int headroom = std::countl_zero(static_cast<std::uint32_t>(sum));
  const auto fraction =
      static_cast<Raw>((static_cast<std::uint32_t>(sum) << headroom) - (std::uint32_t{1} << 31));
  const Raw reciprocal = one_over_one_plus(fraction);
  const int exponent = std::min(kSumBits - headroom + 31 - 8, 31);
  for (std::size_t i = 0; i < input.size(); ++i) {
    if (exponential.is_zero(input[i] - largest)) {
      output[i] = -128;
      continue;
    }
    const Raw product = doubling_high_multiply(reciprocal, exponential(input[i] - largest));
    output[i] = saturated(rounding_divide_by_power_of_two(product, exponent) - 128);
  }
}

}  // namespace hwnas::compression
