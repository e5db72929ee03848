#include <fmt/format.h>

#include "exporters/c_kernels.hpp"
#include "exporters/c_text.hpp"

namespace hwnas::exporters {

namespace {

constexpr std::string_view kClamp =
    R"(static inline int32_t clamp(int32_t x, int32_t low, int32_t high) {
  return x < low ? low : x > high ? high : x;
}
)";

// Right shifts of negative numbers are arithmetic on every compiler that the code is for.
constexpr std::string_view kRescaleTwice =
    R"(/* x / 2^exponent, to the nearest integer, halves away from zero. */
static inline int32_t divide_by_power_of_two(int32_t x, int32_t exponent) {
  const int32_t mask = (int32_t)((1u << exponent) - 1u);
  const int32_t remainder = x & mask;
  return (x >> exponent) + (remainder > (mask >> 1) + (x < 0));
}

/* x * multiplier * 2^(shift - 31), rounded as TensorFlow Lite does by default: the product to its
 * high half, then that to its right shift. */
static inline int32_t rescale(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t wide = shift > 0 ? (int32_t)((uint32_t)x << shift) : x;
  const int64_t product = (int64_t)wide * multiplier + ((int64_t)1 << 30);
  return divide_by_power_of_two((int32_t)(product >> 31), shift > 0 ? 0 : -shift);
}
)";
constexpr std::string_view kRescaleOnce =
    R"(/* x * multiplier * 2^(shift - 31), rounded once, halves up, as TensorFlow Lite does when built
 * with TFLITE_SINGLE_ROUNDING. */
static inline int32_t rescale(int32_t x, int32_t multiplier, int32_t shift) {
  const int32_t right = 31 - shift;
  return (int32_t)(((int64_t)x * multiplier + ((int64_t)1 << (right - 1))) >> right);
}
)";
constexpr std::string_view kRequantize =
    R"(/* The output for a sum of products; low and high are relative to the zero point. */
static inline int8_t requantize(int32_t sum, int32_t multiplier, int32_t shift, int32_t zero,
                                int32_t low, int32_t high) {
  return (int8_t)(zero + clamp(rescale(sum, multiplier, shift), low, high));
}
)";

constexpr std::string_view kAccumulate =
    R"(/* Adds (x[i] - x_zero) * w[4 * i + k] over all i to sum[k]: four output channels, whose weights are
 * interleaved. */
static void accumulate(const int8_t *x, const int8_t *w, int32_t count, int32_t x_zero,
                       int32_t *sum) {
  int32_t sum0 = sum[0], sum1 = sum[1], sum2 = sum[2], sum3 = sum[3];
  for (int32_t i = 0; i < count; i++, w += 4) {
    const int32_t value = x[i] - x_zero;
    sum0 += value * w[0];
    sum1 += value * w[1];
    sum2 += value * w[2];
    sum3 += value * w[3];
  }
  sum[0] = sum0, sum[1] = sum1, sum[2] = sum2, sum[3] = sum3;
}
)";

constexpr std::string_view kDot =
    R"(/* Sum of (x[i] - x_zero) * weight over `count` weights from the one at `first`. */
static int32_t dot_int8(const int8_t *x, const int8_t *weight, int32_t first, int32_t count,
                        int32_t x_zero) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; i++) sum += (x[i] - x_zero) * weight[first + i];
  return sum;
}
)";

/// @products@ has a line for each weight of a byte. One loop, because GCC 12 warns without reason
/// of a separate one for the last weights.
constexpr std::string_view kPackedDot =
    R"(/* Sum of (x[i] - x_zero) * weight over `count` weights from the one at `first`: those of whole bytes
 * together, those before and after one by one. */
static int32_t dot_@format@(const int8_t *x, const uint8_t *weight, int32_t first, int32_t count,
                        int32_t x_zero) {
  int32_t sum = 0;
  int32_t i = 0;
  while (i < count) {
    if (((first + i) & @last@) == 0 && i + @last@ < count) {
      const int32_t byte = weight[(first + i) / @per_byte@];
@products@      i += @per_byte@;
    } else {
      sum += (x[i] - x_zero) * weight_@format@(weight, first + i);
      i++;
    }
  }
  return sum;
}
)";

/// The weight at an index of a packed array; the first of a byte is in its lowest bits.
struct Unpacking {
  ir::WeightFormat format;
  std::string_view comment;
};
constexpr Unpacking kUnpackings[] = {
    {ir::WeightFormat::kInt4, "Two 4-bit weights a byte"},
    {ir::WeightFormat::kInt2, "Four 2-bit weights a byte"},
    {ir::WeightFormat::kTernary, "Four ternary weights a byte, of 2 bits each"},
    {ir::WeightFormat::kBinary, "Eight binary weights a byte, where 1 is +1 and 0 is -1"},
};
constexpr std::string_view kWeight =
    R"(/* @comment@, the first in the lowest bits. */
static inline int32_t weight_@format@(const uint8_t *weight, int32_t i) {
  const int32_t byte = weight[i / @per_byte@] >> (i & @last@) * @bits@;
  return @field@;
}
)";

/// The number in the bits of `byte` from the `position`-th weight's on.
std::string field(ir::WeightFormat format, int position) {
  const int bits = ir::info(format).bits;
  if (bits == 1) {
    return position == 0 ? "(byte & 1) * 2 - 1" : fmt::format("(byte >> {} & 1) * 2 - 1", position);
  }
  const int up = 8 - bits * (position + 1);
  return up == 0 ? fmt::format("(int8_t)byte >> {}", 8 - bits)
                 : fmt::format("(int8_t)(byte << {}) >> {}", up, 8 - bits);
}

constexpr std::string_view kMean =
    R"(/* sum / count, to the nearest integer, halves away from zero. */
static inline int8_t mean(int32_t sum, int32_t count) {
  return (int8_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}
)";

constexpr std::string_view kCopyRows =
    R"(/* Rows of `bytes` that follow each other in x, to y in steps of `y_step`. */
static void copy_rows(const int8_t *x, int8_t *y, int32_t rows, int32_t bytes, int32_t y_step) {
  for (int32_t row = 0; row < rows; row++, x += bytes, y += y_step) memcpy(y, x, (size_t)bytes);
}
)";

constexpr std::string_view kLookUp =
    R"(/* y[i] = table[x[i]]; y may be x. */
static void look_up(const int8_t *x, int8_t *y, int32_t count, const int8_t *table) {
  for (int32_t i = 0; i < count; i++) y[i] = table[x[i] + 128];
}
)";

// Fixed-point numbers Q<n> have n integer bits and 31 - n fractional ones. The division is three
// steps of Newton and Raphson from 48/17 - 32/17 d, as in gemmlowp, which TensorFlow Lite uses.
constexpr std::string_view kSoftmax =
    R"(/* a * b of Qm and Qn numbers in Q(m + n). */
static int32_t multiply_fixed(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

static int32_t shift_left_saturating(int32_t x, int32_t bits) {
  const int64_t wide = (int64_t)x * ((int64_t)1 << bits);
  return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/* 1 / (1 + a) in Q0 for a in 0..1 in Q0, by Newton and Raphson. */
static int32_t one_over_one_plus(int32_t a) {
  const int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  int32_t x = 1515870810 + multiply_fixed(half_denominator, -1010580540); /* Q2: 48/17, -32/17 */
  for (int32_t step = 0; step < 3; step++) {
    const int32_t error = (1 << 29) - multiply_fixed(half_denominator, x);
    x += shift_left_saturating(multiply_fixed(x, error), 2);
  }
  return shift_left_saturating(x, 1);
}

static int32_t divide_rounding(int32_t x, int32_t exponent) {
  return (int32_t)(((int64_t)x + ((int64_t)1 << (exponent - 1))) >> exponent);
}

/* Probabilities of 1/256 each, from -128; exponential[d] is e^(-d * scale) in Q0. */
static void softmax(const int8_t *x, int8_t *y, int32_t count, const int32_t *exponential) {
  int32_t largest = x[0];
  for (int32_t i = 1; i < count; i++) largest = x[i] > largest ? x[i] : largest;
  uint32_t sum = 0; /* Q12 */
  for (int32_t i = 0; i < count; i++) {
    sum += (uint32_t)divide_rounding(exponential[largest - x[i]], 12);
  }
  int32_t headroom = 0;
  while ((sum << headroom) < 0x80000000u) headroom++;
  const int32_t exponent = headroom < 4 ? 31 : 35 - headroom;
  const int32_t reciprocal = one_over_one_plus((int32_t)((sum << headroom) - 0x80000000u));
  for (int32_t i = 0; i < count; i++) {
    const int32_t share = multiply_fixed(reciprocal, exponential[largest - x[i]]);
    y[i] = (int8_t)clamp(divide_rounding(share, exponent) - 128, -128, 127);
  }
}
)";

CHelper weight_helper(const Unpacking& unpacking) {
  const ir::WeightFormatInfo& info = ir::info(unpacking.format);
  const std::string format(info.name);
  return {.name = "weight_" + format,
          .text = fill(kWeight, {{"comment", std::string(unpacking.comment)},
                                 {"format", format},
                                 {"bits", std::to_string(info.bits)},
                                 {"per_byte", std::to_string(8 / info.bits)},
                                 {"last", std::to_string(8 / info.bits - 1)},
                                 {"field", field(unpacking.format, 0)}})};
}

CHelper packed_dot_helper(ir::WeightFormat format) {
  const std::string name(ir::info(format).name);
  const int per_byte = 8 / ir::info(format).bits;
  std::string products;
  for (int i = 0; i < per_byte; ++i) {
    products += fmt::format("      sum += (x[i{}] - x_zero) * ({});\n",
                            i == 0 ? "" : fmt::format(" + {}", i), field(format, i));
  }
  return {.name = "dot_" + name,
          .text = fill(kPackedDot, {{"format", name},
                                    {"per_byte", std::to_string(per_byte)},
                                    {"last", std::to_string(per_byte - 1)},
                                    {"products", products}}),
          .calls = {"weight_" + name}};
}

}  // namespace

std::vector<CHelper> c_helpers(ir::Requantization mode) {
  const bool once = mode == ir::Requantization::kTflSingle;
  std::vector<CHelper> helpers = {
      {.name = "clamp", .text = std::string(kClamp)},
      {.name = "rescale", .text = std::string(once ? kRescaleOnce : kRescaleTwice)},
      {.name = "requantize", .text = std::string(kRequantize), .calls = {"clamp", "rescale"}},
      {.name = "accumulate", .text = std::string(kAccumulate)},
      {.name = "dot_int8", .text = std::string(kDot)}};
  for (const Unpacking& unpacking : kUnpackings) {
    helpers.push_back(weight_helper(unpacking));
    helpers.push_back(packed_dot_helper(unpacking.format));
  }
  helpers.push_back({.name = "mean", .text = std::string(kMean)});
  helpers.push_back({.name = "copy_rows", .text = std::string(kCopyRows)});
  helpers.push_back({.name = "look_up", .text = std::string(kLookUp)});
  helpers.push_back({.name = "softmax", .text = std::string(kSoftmax), .calls = {"clamp"}});
  return helpers;
}

}  // namespace hwnas::exporters
