#include "ir/quantized_network.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>

#include "core/error.hpp"

namespace hwnas::ir {

namespace {

template <typename... Ops>
bool is_any(const Operator& op) {
  return (std::holds_alternative<Ops>(op) || ...);
}

Error broken(const QuantizedLayer& layer, const std::string& reason) {
  return invalid_argument("quantized layer '{}' ({}): {}", layer.name, operator_name(layer.op),
                          reason);
}

void verify_quantization(const QuantizedLayer& layer, const Quantization& quantization) {
  if (!std::isfinite(quantization.scale) || quantization.scale <= 0) {
    throw broken(layer, fmt::format("scale {} is not a positive number", quantization.scale));
  }
  if (quantization.bits != 8 && quantization.bits != 16) {
    throw broken(layer, fmt::format("activations of {} bits, not 8 or 16", quantization.bits));
  }
  const bool in_range = quantization.zero_point >= quantization.lowest() &&
                        quantization.zero_point <= quantization.highest();
  if (!in_range || (quantization.bits == 16 && quantization.zero_point != 0)) {
    throw broken(
        layer, fmt::format("zero point {} of {} bits", quantization.zero_point, quantization.bits));
  }
}

struct WeightDims {
  std::int64_t channels = 0;
  std::int64_t per_channel = 0;  ///< weights that one output channel sums over
};

WeightDims weight_dims(const QuantizedLayer& layer, const Shape& in) {
  if (const auto* const conv = std::get_if<Conv2d>(&layer.op)) {
    return {conv->out_channels, std::int64_t{in.channels / conv->groups} *
                                    conv->window.kernel_height * conv->window.kernel_width};
  }
  return {std::get<Linear>(layer.op).out_features, in.elements()};
}

void verify_weights(const QuantizedLayer& layer, const Shape& in, const Quantization& input) {
  const auto [channels, per_channel] = weight_dims(layer, in);
  if (std::ssize(layer.weight) != channels * per_channel) {
    throw broken(layer,
                 fmt::format("{} weights, not {}", layer.weight.size(), channels * per_channel));
  }
  const WeightFormatInfo& format = info(layer.format);
  for (const std::int8_t weight : layer.weight) {
    const bool member = weight >= format.lowest && weight <= format.highest &&
                        (layer.format != WeightFormat::kBinary || weight != 0);
    // Files of others use all of int8 and int4.
    const bool widest = layer.format <= WeightFormat::kInt4 && weight == format.lowest - 1;
    if (!member && !widest)
      throw broken(layer, fmt::format("weight {} is no {}", weight, format.name));
  }
  if (layer.weight_scales.size() != 1 && std::ssize(layer.weight_scales) != channels) {
    throw broken(
        layer, fmt::format("{} weight scales, not 1 or {}", layer.weight_scales.size(), channels));
  }
  for (const float scale : layer.weight_scales) {
    if (!std::isfinite(scale) || scale <= 0) {
      throw broken(layer, fmt::format("weight scale {} is not a positive number", scale));
    }
  }
  if (!layer.bias.empty() && std::ssize(layer.bias) != channels) {
    throw broken(layer, fmt::format("{} biases, not {}", layer.bias.size(), channels));
  }
  for (const std::int64_t bias : layer.bias) {
    if (input.bits == 8 && bias != static_cast<std::int32_t>(bias)) {
      throw broken(layer, fmt::format("bias {} does not fit int32", bias));
    }
  }
}

void verify_layer(const QuantizedNetwork& network, int index, const std::vector<Shape>& shapes) {
  const QuantizedLayer& layer = network.layers[index];
  verify_quantization(layer, layer.output);
  const int producer = layer.inputs.front();
  const Shape& in = producer == kNetworkInput ? network.input : shapes[producer];
  const Quantization& input = input_quantization(network, index);
  if (is_any<Conv2d, Linear>(layer.op)) {
    verify_weights(layer, in, input);
  } else if (!layer.weight.empty() || !layer.bias.empty() || !layer.weight_scales.empty()) {
    throw broken(layer, "has weights");
  }
  if (is_any<BatchNorm, Zero>(layer.op)) throw broken(layer, "does not exist in integers");
  if (is_any<Add, Mul>(layer.op) && layer.inputs.size() != 2) {
    throw broken(layer, fmt::format("{} inputs, not 2", layer.inputs.size()));
  }
  if (layer.activation) {
    const bool clamp =
        *layer.activation == ActivationKind::kRelu || *layer.activation == ActivationKind::kRelu6;
    if (!clamp || !is_any<Conv2d, Linear, Add, Mul>(layer.op)) {
      throw broken(layer, "this activation does not fuse into it");
    }
  }
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
    const Quantization& read = input_quantization(network, index, static_cast<int>(i));
    if (is_any<Concat, Pool, GlobalAveragePool, Flatten, Pad>(layer.op) && read != layer.output) {
      throw broken(layer, "its quantization differs from that of an input");
    }
    if (read.bits != layer.output.bits && !is_any<Conv2d, Linear>(layer.op)) {
      throw broken(layer, "its bits differ from those of an input");
    }
  }
  const auto* const activation = std::get_if<Activation>(&layer.op);
  const bool unit = is_any<Softmax>(layer.op) ||
                    (activation != nullptr && (activation->kind == ActivationKind::kSigmoid ||
                                               activation->kind == ActivationKind::kHardSigmoid));
  if (unit && layer.output != kUnitRange) {
    throw broken(layer, "its quantization is not 1/256 with zero point -128");
  }
}

int precision_bits(const QuantizedLayer& layer) {
  return layer.weight.empty() ? 8 : info(layer.format).bits;
}

}  // namespace

Network without_activations(const QuantizedNetwork& network) {
  Network plain{.input = network.input, .layers = {}};
  for (const QuantizedLayer& layer : network.layers) {
    plain.layers.push_back(
        {.name = layer.name, .op = layer.op, .inputs = layer.inputs, .precision = {}});
  }
  return plain;
}

std::vector<Shape> infer_shapes(const QuantizedNetwork& network) {
  return infer_shapes(without_activations(network));
}

void verify(const QuantizedNetwork& network) {
  const Network plain = without_activations(network);
  verify(plain);
  const std::vector<Shape> shapes = infer_shapes(plain);
  for (int i = 0; i < std::ssize(network.layers); ++i) verify_layer(network, i, shapes);
}

const Quantization& input_quantization(const QuantizedNetwork& network, int index, int position) {
  const int producer = network.layers[index].inputs[position];
  return producer == kNetworkInput ? network.input_quantization : network.layers[producer].output;
}

IntegerRange output_range(const QuantizedLayer& layer) {
  const Quantization& q = layer.output;
  IntegerRange range{.lowest = q.lowest(), .highest = q.highest()};
  if (!layer.activation) return range;
  range.lowest = std::max(range.lowest, q.zero_point);
  if (*layer.activation == ActivationKind::kRelu6) {
    const float six = std::round(6.0F / q.scale);
    if (six < static_cast<float>(range.highest - q.zero_point)) {
      range.highest = q.zero_point + static_cast<std::int32_t>(six);
    }
  }
  return range;
}

Network as_network(const QuantizedNetwork& network) {
  Network plain{.input = network.input, .layers = {}};
  std::vector<int> position;  // of each quantized layer's output in `plain`
  for (const QuantizedLayer& layer : network.layers) {
    const Precision precision{.weight_bits = precision_bits(layer),
                              .activation_bits = layer.output.bits};
    std::vector<int> inputs = layer.inputs;
    for (int& input : inputs) input = input == kNetworkInput ? input : position[input];
    plain.layers.push_back({layer.name, layer.op, std::move(inputs), precision});
    if (layer.activation) {
      const int producer = static_cast<int>(plain.layers.size()) - 1;
      plain.layers.push_back(
          {layer.name + ".activation", Activation{*layer.activation}, {producer}, precision});
    }
    position.push_back(static_cast<int>(plain.layers.size()) - 1);
  }
  return plain;
}

std::vector<std::int32_t> quantize(const Quantization& quantization,
                                   const std::vector<float>& values) {
  std::vector<std::int32_t> integers;
  integers.reserve(values.size());
  for (const float value : values) {
    const float q =
        std::round(value / quantization.scale) + static_cast<float>(quantization.zero_point);
    integers.push_back(static_cast<std::int32_t>(std::clamp(
        q, static_cast<float>(quantization.lowest()), static_cast<float>(quantization.highest()))));
  }
  return integers;
}

std::vector<float> dequantize(const Quantization& quantization,
                              const std::vector<std::int32_t>& values) {
  std::vector<float> reals;
  reals.reserve(values.size());
  for (const std::int32_t value : values) {
    reals.push_back(quantization.scale * static_cast<float>(value - quantization.zero_point));
  }
  return reals;
}

}  // namespace hwnas::ir
