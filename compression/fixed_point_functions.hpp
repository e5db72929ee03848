#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "ir/quantization.hpp"

/// Functions of one 8-bit tensor in the fixed-point arithmetic of TensorFlow Lite's reference
/// kernels, which is that of gemmlowp (github.com/google/gemmlowp, fixedpoint/fixedpoint.h).
namespace hwnas::compression {

/// A function of all 256 values of 8 bits: entry q + 128.
using Table = std::array<std::int16_t, 256>;

/// 1/(1 + e^-x), at ir::kUnitRange.
Table fixed_point_sigmoid(const ir::Quantization& input);

/// x·relu6(x + 3)/6. Throws InvalidArgument if the output's scale is under 1/128 of the input's,
/// which the arithmetic cannot express.
Table fixed_point_hard_swish(const ir::Quantization& input, const ir::Quantization& output);

/// max(x, 0), or min of that and 6 where `six` is set, from one scale to another.
Table fixed_point_relu(const ir::Quantization& input, const ir::Quantization& output, bool six,
                       ir::Requantization mode);

/// e^(−d · input_scale) · 2^31 for differences d = 0..255; 0 where softmax takes a value for one.
std::array<std::int32_t, 256> fixed_point_exponentials(float input_scale);

/// Softmax over one row; the output is at ir::kUnitRange.
void fixed_point_softmax(float input_scale, std::span<const std::int16_t> input,
                         std::span<std::int16_t> output);

}  // namespace hwnas::compression
