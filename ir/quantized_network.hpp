#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ir/quantization.hpp"

namespace hwnas::ir {

/// One integer kernel: an operator and the clamping activation fused into it.
///
/// By operator:
/// - Conv2d and Linear have weights. A bias is at scale input scale · weight scale of its channel.
/// - Add and Mul have exactly two inputs, each at its own quantization.
/// - Concat, Pool, GlobalAveragePool, Flatten and Pad have the quantization of their inputs.
/// - Activation layers stand alone, each at a quantization of its own; Sigmoid's and HardSigmoid's
///   and Softmax's is 1/256 with zero point −128.
/// BatchNorm and Zero do not occur.
struct QuantizedLayer {
  std::string name;
  Operator op;
  std::vector<int> inputs;                        ///< as in Layer
  std::optional<ActivationKind> activation = {};  ///< kRelu or kRelu6; of Conv2d, Linear, Add, Mul
  Quantization output = {};

  WeightFormat format = WeightFormat::kInt8;
  std::vector<std::int8_t> weight =
      {};  ///< out x in/groups x kernel height x kernel width, or out x in
  std::vector<float> weight_scales = {};  ///< one an output channel, or one for all
  std::vector<std::int64_t> bias = {};  ///< one an output channel, within int32 if the input has 8
                                        ///< bits; empty: none
  bool operator==(const QuantizedLayer&) const = default;
};

/// A network in integers: layers in topological order, one input, and the last layer's output as
/// the only output. Tensors are quantized as a whole, weights by channel or as a whole.
struct QuantizedNetwork {
  Shape input;
  Quantization input_quantization;
  std::vector<QuantizedLayer> layers;
  bool operator==(const QuantizedNetwork&) const = default;
};

/// What Sigmoid, HardSigmoid and Softmax layers write (TensorFlow Lite, 8-bit quantization
/// specification).
inline constexpr Quantization kUnitRange{.scale = 1.0F / 256, .zero_point = -128};

/// Output shape of every layer. Throws what infer_shapes(Network) throws.
std::vector<Shape> infer_shapes(const QuantizedNetwork& network);

/// Throws InvalidArgument naming the layer and the rule of QuantizedLayer that it breaks, and what
/// verify(Network) throws.
void verify(const QuantizedNetwork& network);

/// Quantization of what layer `index` reads as input `position`.
const Quantization& input_quantization(const QuantizedNetwork& network, int index,
                                       int position = 0);

/// Smallest and largest value of the layer's output: the range of its bits, narrowed by the fused
/// activation. TensorFlow Lite, CalculateActivationRangeQuantized: bounds round half away from 0.
struct IntegerRange {
  std::int32_t lowest = 0;
  std::int32_t highest = 0;
};
IntegerRange output_range(const QuantizedLayer& layer);

/// The same network with fused activations as layers of their own ("<name>.activation") and each
/// layer's precision: what cost models read.
Network as_network(const QuantizedNetwork& network);

/// The same without fused activations: layer i is layer i.
Network without_activations(const QuantizedNetwork& network);

/// As to_json(Network), with "input_quantization" and in each layer "integers": {output,
/// activation, format, weight, weight_scales, bias}.
nlohmann::json to_json(const QuantizedNetwork& network);
/// Throws InvalidArgument with what is wrong; the result is verified.
QuantizedNetwork quantized_network_from_json(const nlohmann::json& json);

/// An integer for each real value: round half away from zero, then saturate.
std::vector<std::int32_t> quantize(const Quantization& quantization,
                                   const std::vector<float>& values);
std::vector<float> dequantize(const Quantization& quantization,
                              const std::vector<std::int32_t>& values);

}  // namespace hwnas::ir
