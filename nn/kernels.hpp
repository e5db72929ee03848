#pragma once

#include <cstdint>
#include <type_traits>

/// Vectorised passes over activations in channels-last order, seen as a matrix of `rows` pixels by
/// `channels`. Batch norm, activation and residual addition are memory-bound, and together cost
/// more than the convolutions of a small network (measured: docs/training_speed.md), so each of
/// these reads every tensor once. Plain pointers, no torch; compiled once for each instruction set
/// and chosen at start (kernels.cpp). All functions are thread-safe and work on any range of rows.
namespace hwnas::nn {

enum class FusedActivation { kNone, kRelu, kRelu6, kHardSwish };

/// What batch norm does to one channel: z = scale·x + shift.
struct ChannelAffine {
  const float* scale;
  const float* shift;
};

/// A range of rows of a channels-last activation.
struct Extent {
  std::int64_t rows;
  int channels;
};

/// Rounding to a grid and back: y = scale·⌊clamp(x/scale, lowest, highest)⌉, halves to even.
struct FakeQuantizer {
  float scale = 1;
  float lowest = 0;  ///< in steps of the scale, the zero point taken off
  float highest = 0;
  float slope_below = 0;  ///< ∂y/∂scale where x/scale < lowest
  float slope_above = 0;  ///< and where x/scale > highest
};

/// A depthwise convolution of images height x width x channels: each channel with a square kernel
/// of its own.
struct DepthwiseShape {
  int channels = 0;
  int height = 0;
  int width = 0;
  int out_height = 0;
  int out_width = 0;
  int kernel = 3;  ///< 3, 5 or 7
  int stride = 1;  ///< 1 or 2
  int top = 0;     ///< rows of zeros above the image, less than the kernel
  int left = 0;    ///< columns of zeros before it

  std::int64_t in_elements() const { return std::int64_t{channels} * height * width; }
  std::int64_t out_elements() const { return std::int64_t{channels} * out_height * out_width; }
};

/// The upper half of a float: its sign, its exponent and 7 bits of its fraction.
struct Bfloat16 {
  std::uint16_t bits;
};

/// Passes over activations kept as `Value`, float or Bfloat16; all are computed in float.
template <typename Value>
struct ActivationKernels {
  /// Adds Σ(x − pivot) and Σ(x − pivot)² of each channel to `sum` and `sum_of_squares`. A pivot
  /// near the mean keeps the squares from cancelling.
  void (*moments)(Extent extent, const Value* x, const float* pivot, double* sum,
                  double* sum_of_squares);

  /// y = activation(scale·x + shift + residual); `residual` may be null.
  void (*apply)(Extent extent, FusedActivation activation, const Value* x, ChannelAffine affine,
                const Value* residual, Value* y);

  /// With dz = dy·activation'(z): adds Σdz and Σdz·(x − mean) of each channel. z is scale·x +
  /// shift, or, where a residual was added, `y` stands in for it (null otherwise; relu and relu6
  /// only).
  void (*reduce_gradient)(Extent extent, FusedActivation activation, const Value* dy,
                          const Value* x, const Value* y, ChannelAffine affine, const float* mean,
                          double* sum_dz, double* sum_dz_x);

  /// dx = a·dz + b·x + c per channel; writes dz to `d_residual` unless null.
  void (*apply_gradient)(Extent extent, FusedActivation activation, const Value* dy, const Value* x,
                         const Value* y, ChannelAffine affine, const float* a, const float* b,
                         const float* c, Value* dx, Value* d_residual);

  /// `weight` and `d_weight` are channel, row, column.
  void (*depthwise)(const DepthwiseShape& shape, std::int64_t images, const Value* x,
                    const float* weight, Value* y);

  /// Writes the gradients of input, unless null, and weight: the latter summed over the images.
  void (*depthwise_gradient)(const DepthwiseShape& shape, std::int64_t images, const Value* x,
                             const float* weight, const Value* dy, Value* dx, float* d_weight);
};

struct Kernels {
  const char* name;  ///< "avx512", "avx2", "baseline"
  ActivationKernels<float> of_floats;
  ActivationKernels<Bfloat16> of_bfloats;

  template <typename Value>
  const ActivationKernels<Value>& of() const {
    if constexpr (std::is_same_v<Value, float>) {
      return of_floats;
    } else {
      return of_bfloats;
    }
  }

  /// `count` values; what is not a number stays so.
  void (*fake_quantize)(std::int64_t count, FakeQuantizer quantizer, const float* x, float* y);

  /// dx = dy where lowest <= x/scale <= highest, else 0. Returns Σ dy·∂y/∂scale, where ∂y/∂scale is
  /// ⌊v⌉ − v of v = x/scale inside (Esser et al., "Learned Step Size Quantization", 2020,
  /// equation 3).
  double (*fake_quantize_gradient)(std::int64_t count, FakeQuantizer quantizer, const float* dy,
                                   const float* x, float* dx);
};

/// Whether this processor multiplies bfloat16 natively (AVX512-BF16).
bool computes_bfloats();

/// The best set for this processor.
const Kernels& kernels();
/// Every set this processor can run; for tests.
const Kernels* const* supported_kernels();  ///< null-terminated

}  // namespace hwnas::nn
