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

constexpr std::string_view kDot =
    R"(/* Sum of (x[i] - x_zero) * weight over `count` weights from the one at `first`. */
static inline int32_t dot_@format@(const int8_t *x, const @type@ *weight, int32_t first,
                                   int32_t count, int32_t x_zero) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; i++) sum += (x[i] - x_zero) * @weight@;
  return sum;
}
)";

/// The weight at an index of a packed array; the first of a byte is in its lowest bits.
struct Unpacking {
  ir::WeightFormat format;
  std::string_view comment;
  std::string_view code;
};
constexpr Unpacking kUnpackings[] = {
    {ir::WeightFormat::kInt4, "two 4-bit weights a byte",
     "(int8_t)((weight[i >> 1] << (4 - 4 * (i & 1))) & 0xF0) >> 4"},
    {ir::WeightFormat::kInt2, "four 2-bit weights a byte",
     "(int8_t)((weight[i >> 2] << (6 - 2 * (i & 3))) & 0xC0) >> 6"},
    {ir::WeightFormat::kTernary, "four ternary weights a byte, of 2 bits each",
     "(int8_t)((weight[i >> 2] << (6 - 2 * (i & 3))) & 0xC0) >> 6"},
    {ir::WeightFormat::kBinary, "eight binary weights a byte: 1 is +1, 0 is -1",
     "2 * ((weight[i >> 3] >> (i & 7)) & 1) - 1"},
};
constexpr std::string_view kWeight =
    R"(/* @comment@, the first in the lowest bits. */
static inline int32_t weight_@format@(const uint8_t *weight, int32_t i) {
  return @code@;
}
)";

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
  const std::string format(ir::info(unpacking.format).name);
  return {.name = "weight_" + format,
          .text = fill(kWeight, {{"comment", std::string(unpacking.comment)},
                                 {"format", format},
                                 {"code", std::string(unpacking.code)}})};
}

CHelper dot_helper(ir::WeightFormat format) {
  const std::string name(ir::info(format).name);
  const bool packed = format != ir::WeightFormat::kInt8;
  CHelper helper{.name = "dot_" + name, .text = {}};
  if (packed) helper.calls = {"weight_" + name};
  helper.text = fill(kDot, {{"format", name},
                            {"type", packed ? "uint8_t" : "int8_t"},
                            {"weight", packed ? fmt::format("weight_{}(weight, first + i)", name)
                                              : "weight[first + i]"}});
  return helper;
}

}  // namespace

std::vector<CHelper> c_helpers(ir::Requantization mode) {
  const bool once = mode == ir::Requantization::kTflSingle;
  std::vector<CHelper> helpers = {
      {.name = "clamp", .text = std::string(kClamp)},
      {.name = "rescale", .text = std::string(once ? kRescaleOnce : kRescaleTwice)},
      {.name = "requantize", .text = std::string(kRequantize), .calls = {"clamp", "rescale"}},
      dot_helper(ir::WeightFormat::kInt8)};
  for (const Unpacking& unpacking : kUnpackings) {
    helpers.push_back(weight_helper(unpacking));
    helpers.push_back(dot_helper(unpacking.format));
  }
  helpers.push_back({.name = "mean", .text = std::string(kMean)});
  helpers.push_back({.name = "copy_rows", .text = std::string(kCopyRows)});
  helpers.push_back({.name = "look_up", .text = std::string(kLookUp)});
  helpers.push_back({.name = "softmax", .text = std::string(kSoftmax), .calls = {"clamp"}});
  return helpers;
}

}  // namespace hwnas::exporters
