#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::ir {

/// real = scale · (q − zero_point), with q a signed integer of `bits` bits. Of 16 bits the zero
/// point is 0.
struct Quantization {
  float scale = 1;
  std::int32_t zero_point = 0;
  int bits = 8;  ///< 8 or 16

  std::int32_t lowest() const { return -(1 << (bits - 1)); }
  std::int32_t highest() const { return (1 << (bits - 1)) - 1; }
  bool operator==(const Quantization&) const = default;
};

/// How weights are stored; real = scale · q throughout.
enum class WeightFormat { kInt8, kInt4, kInt2, kTernary, kBinary };
struct WeightFormatInfo {
  WeightFormat format;
  std::string_view name;  ///< "int8", "int4", "int2", "ternary", "binary"
  int bits;               ///< of storage
  int lowest;             ///< -127, -7, -2, -1, -1
  int highest;            ///< 127, 7, 1, 1, 1; binary takes -1 and 1 only
};
/// All of them, in the order of the enum.
std::span<const WeightFormatInfo> weight_formats();
const WeightFormatInfo& info(WeightFormat format);
/// Throws NotFound listing the names there are.
WeightFormat weight_format(std::string_view name);

/// How a target brings an int32 accumulator to the scale of its output.
/// - kTflDouble: TensorFlow Lite's default: a 31-bit multiplier, doubling high multiplication, then
///   a rounding division by a power of two (rounds twice);
/// - kTflSingle: the same multiplier, rounded once (TFLITE_SINGLE_ROUNDING);
/// - kFloatRne: a float32 factor, round half to even (ONNX Runtime, oneDNN);
/// - kFloatTrunc: a float32 factor, truncated (TinyEngine's fpreq kernels).
enum class Requantization { kTflDouble, kTflSingle, kFloatRne, kFloatTrunc };
/// "tfl_double", "tfl_single", "float_rne", "float_trunc".
std::string_view to_string(Requantization mode);
/// Throws NotFound listing the names there are.
Requantization requantization(std::string_view name);

/// A tensor's quantization in a float network that is to become integer.
struct TensorScale {
  Quantization quantization;
  bool fixed = false;  ///< by a rule of the operator: not calibrated, not learned
  bool operator==(const TensorScale&) const = default;
};

/// How one layer of a float network is to be quantized.
struct LayerScales {
  /// The layer writes no tensor: it runs inside the kernel of the activation that follows it.
  static constexpr int kFused = -1;

  WeightFormat format = WeightFormat::kInt8;
  std::vector<float> weight;  ///< one an output channel, or one for all; empty without weights
  int output = kFused;        ///< into NetworkScales::tensors
  bool operator==(const LayerScales&) const = default;
};

/// All that is to be decided before a float network with folded batch norms can be rounded.
/// Layers with the same tensor index share one quantization (both sides of a pooling, inputs of a
/// concatenation).
struct NetworkScales {
  std::vector<TensorScale> tensors;
  int input = 0;                    ///< the network's input, into tensors
  std::vector<LayerScales> layers;  ///< one a layer of the network
  bool operator==(const NetworkScales&) const = default;
};

/// The integer arithmetic of a target.
struct Arithmetic {
  Requantization requantization = Requantization::kTflDouble;
  bool u8s8_saturates = false;  ///< x86 without VNNI: sums of two u8·s8 products saturate at int16
  bool operator==(const Arithmetic&) const = default;
};

}  // namespace hwnas::ir
