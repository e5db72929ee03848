#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "ir/quantized_network.hpp"

namespace hwnas::ir {

namespace {

using nlohmann::json;

json to_json(const Quantization& quantization) {
  return {{"scale", quantization.scale},
          {"zero_point", quantization.zero_point},
          {"bits", quantization.bits}};
}

Quantization quantization_from(const json& value) {
  return {.scale = value.at("scale").get<float>(),
          .zero_point = value.at("zero_point").get<std::int32_t>(),
          .bits = value.at("bits").get<int>()};
}

/// What integers add to a layer.
json integers_of(const QuantizedLayer& layer) {
  json row = {{"output", to_json(layer.output)}};
  if (layer.activation) row["activation"] = operator_name(Activation{*layer.activation});
  if (layer.weight.empty()) return row;
  row["format"] = info(layer.format).name;
  row["weight"] = layer.weight;
  row["weight_scales"] = layer.weight_scales;
  row["bias"] = layer.bias;
  return row;
}

void read_integers(const json& row, QuantizedLayer& layer) {
  layer.output = quantization_from(row.at("output"));
  if (row.contains("activation")) {
    const bool six = row.at("activation") == "relu6";
    if (!six && row.at("activation") != "relu") {
      throw invalid_argument("layer '{}': no fused activation '{}'", layer.name,
                             row.at("activation").dump());
    }
    layer.activation = six ? ActivationKind::kRelu6 : ActivationKind::kRelu;
  }
  if (!row.contains("weight")) return;
  layer.format = weight_format(row.at("format").get<std::string>());
  layer.weight = row.at("weight").get<std::vector<std::int8_t>>();
  layer.weight_scales = row.at("weight_scales").get<std::vector<float>>();
  layer.bias = row.at("bias").get<std::vector<std::int64_t>>();
}

}  // namespace

json to_json(const QuantizedNetwork& network) {
  json result = to_json(without_activations(network));
  result["input_quantization"] = to_json(network.input_quantization);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    result["layers"][i]["integers"] = integers_of(network.layers[i]);
  }
  return result;
}

QuantizedNetwork quantized_network_from_json(const json& value) {
  try {
    json plain = value;
    plain.erase("input_quantization");
    for (json& row : plain.at("layers")) row.erase("integers");
    const Network network = network_from_json(plain);
    QuantizedNetwork result{.input = network.input,
                            .input_quantization = quantization_from(value.at("input_quantization")),
                            .layers = {}};
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      const Layer& layer = network.layers[i];
      result.layers.push_back({.name = layer.name, .op = layer.op, .inputs = layer.inputs});
      read_integers(value.at("layers")[i].at("integers"), result.layers.back());
    }
    verify(result);
    return result;
  } catch (const json::exception& fault) {
    throw invalid_argument("quantized network: {}", fault.what());
  }
}

}  // namespace hwnas::ir
