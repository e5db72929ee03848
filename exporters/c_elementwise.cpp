#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "compression/requantization.hpp"
#include "exporters/c_kernels.hpp"
#include "exporters/c_text.hpp"

namespace hwnas::exporters {

namespace {

constexpr int kSpareBits = 20;  // of a sum's terms, as in TensorFlow Lite

constexpr std::string_view kAdd =
    R"(/* Both terms at twice the larger scale, with 20 bits to spare. y may be a or b. */
static void @NAME@(const int8_t *a, const int8_t *b, int8_t *y) {
  for (int32_t i = 0; i < @count@; i++) {
    const int32_t left = rescale((a[i] - (@a_zero@)) * (1 << 20), @a_multiplier@, @a_shift@);
    const int32_t right = rescale((b[i] - (@b_zero@)) * (1 << 20), @b_multiplier@, @b_shift@);
    y[i] = requantize(left + right, @multiplier@, @shift@, @zero@, @low@, @high@);
  }
}
)";

constexpr std::string_view kMultiply =
    R"(/* y may be a or b. */
static void @NAME@(const int8_t *a, const int8_t *b, int8_t *y) {
  for (int32_t i = 0; i < @count@; i++) {
    const int32_t product = (a[i] - (@a_zero@)) * (b[i] - (@b_zero@));
    y[i] = requantize(product, @multiplier@, @shift@, @zero@, @low@, @high@);
  }
}
)";
constexpr std::string_view kGate =
    R"(/* b has one value a channel. y may be a. */
static void @NAME@(const int8_t *a, const int8_t *b, int8_t *y) {
  for (int32_t pixel = 0; pixel < @pixels@; pixel++, a += @count@, y += @count@) {
    for (int32_t i = 0; i < @count@; i++) {
      const int32_t product = (a[i] - (@a_zero@)) * (b[i] - (@b_zero@));
      y[i] = requantize(product, @multiplier@, @shift@, @zero@, @low@, @high@);
    }
  }
}
)";

constexpr std::string_view kRelu =
    R"(/* From one scale to another. y may be x. */
static void @NAME@(const int8_t *x, int8_t *y) {
  for (int32_t i = 0; i < @count@; i++) {
    y[i] = requantize(x[i] - (@x_zero@), @multiplier@, @shift@, @zero@, @low@, @high@);
  }
}
)";

/// "@multiplier@" to "@high@": how a result becomes the layer's output.
CValues output_values(const ir::QuantizedLayer& layer, double factor,
                      const ir::IntegerRange& range) {
  const compression::FixedPointFactor fixed = compression::fixed_point_factor(factor);
  const int zero = layer.output.zero_point;
  return {{"NAME", "@NAME@"},
          {"multiplier", std::to_string(fixed.multiplier)},
          {"shift", std::to_string(fixed.shift)},
          {"zero", std::to_string(zero)},
          {"low", std::to_string(range.lowest - zero)},
          {"high", std::to_string(range.highest - zero)}};
}

void append(CValues& values, CValues more) {
  values.insert(values.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
}

}  // namespace

CKernel add_kernel(const ir::QuantizedLayer& layer, const ir::Quantization& a,
                   const ir::Quantization& b, std::int64_t elements) {
  const double common = 2.0 * std::max(a.scale, b.scale);
  const compression::FixedPointFactor left = compression::fixed_point_factor(a.scale / common);
  const compression::FixedPointFactor right = compression::fixed_point_factor(b.scale / common);
  CValues values = output_values(layer, common / (std::ldexp(1.0, kSpareBits) * layer.output.scale),
                                 ir::output_range(layer));
  append(values, {{"count", std::to_string(elements)},
                  {"a_zero", std::to_string(a.zero_point)},
                  {"a_multiplier", std::to_string(left.multiplier)},
                  {"a_shift", std::to_string(left.shift)},
                  {"b_zero", std::to_string(b.zero_point)},
                  {"b_multiplier", std::to_string(right.multiplier)},
                  {"b_shift", std::to_string(right.shift)}});
  return {.stem = "add", .text = fill(kAdd, values)};
}

CKernel multiply_kernel(const ir::QuantizedLayer& layer, const ir::Quantization& a,
                        const ir::Quantization& b, std::int64_t pixels, std::int64_t channels) {
  // The product of the scales is rounded to float32, as TensorFlow Lite does.
  CValues values = output_values(layer, static_cast<double>(a.scale * b.scale) / layer.output.scale,
                                 ir::output_range(layer));
  append(values, {{"count", std::to_string(channels)},
                  {"pixels", std::to_string(pixels)},
                  {"a_zero", std::to_string(a.zero_point)},
                  {"b_zero", std::to_string(b.zero_point)}});
  return {.stem = pixels == 1 ? "multiply" : "gate",
          .text = fill(pixels == 1 ? kMultiply : kGate, values)};
}

CKernel relu_kernel(const ir::QuantizedLayer& layer, const ir::Quantization& in,
                    std::int64_t elements) {
  ir::QuantizedLayer clamped = layer;
  clamped.activation = std::get<ir::Activation>(layer.op).kind;
  CValues values = output_values(layer, in.scale / layer.output.scale, ir::output_range(clamped));
  append(values, {{"count", std::to_string(elements)}, {"x_zero", std::to_string(in.zero_point)}});
  return {.stem = "relu", .text = fill(kRelu, values)};
}

}  // namespace hwnas::exporters
