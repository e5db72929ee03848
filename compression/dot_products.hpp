#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loop of integer convolutions, compiled once for each instruction set and chosen at
/// start.
namespace hwnas::compression {

/// Length of a row of the matrices below: multiples of this many values.
inline constexpr std::ptrdiff_t kDotStep = 32;
/// Rows of weights that are taken at a time.
inline constexpr int kDotRows = 4;

/// sums[r] = Σ_k weights[r·length + k]·values[k] for kDotRows rows, in int32 (wrapping around).
using DotProducts = void (*)(const std::int16_t* weights, const std::int16_t* values,
                             std::ptrdiff_t length, std::int32_t* sums);

/// The best for this processor.
DotProducts dot_products();

}  // namespace hwnas::compression
