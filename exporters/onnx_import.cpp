#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "exporters/deployed.hpp"
#include "exporters/onnx.hpp"
#include "exporters/onnx_file.hpp"
#include "exporters/onnx_qdq_import.hpp"
#include "exporters/onnx_reader.hpp"

namespace hwnas::exporters {

namespace {

void set_float_network(OnnxGraph& graph, Model& model) {
  ir::FoldedNetwork read{.network = {.input = graph.input, .layers = {}}, .weights = {}};
  for (OnnxLayer& layer : graph.layers) {
    if (std::abs(layer.clip - 6) > 1e-5F) {
      throw invalid_argument("layer '{}': clips at {}, only 6 is read", layer.layer.name,
                             layer.clip);
    }
    if (!layer.weights.weight.values.empty()) {
      read.weights.layers[layer.layer.name] = std::move(layer.weights);
    }
    read.network.layers.push_back(std::move(layer.layer));
  }
  read = ir::fold_batch_norm(read.network, read.weights);
  model.network = std::move(read.network);
  model.weights = std::move(read.weights);
}

bool is_quantized(const OnnxGraph& graph) {
  const auto has_mark = [](const OnnxLayer& layer) {
    return layer.quantization.has_value() || layer.integer_weight.has_value();
  };
  return graph.input_quantization || std::ranges::any_of(graph.layers, has_mark);
}

Model model_of(const onnx::ModelProto& proto) {
  OnnxGraph graph = OnnxReader(proto).read();
  Model model{.name = graph.name,
              .network = {},
              .weights = {},
              .normalisation = graph.normalisation,
              .class_names = {}};
  if (is_quantized(graph)) {
    set_quantized_network(graph, model);
  } else {
    set_float_network(graph, model);
  }
  require_deployable(model);
  return model;
}

}  // namespace

Model import_onnx(const std::filesystem::path& file) {
  const onnx::ModelProto proto = read_onnx_proto(file);
  try {
    return model_of(proto);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace hwnas::exporters
