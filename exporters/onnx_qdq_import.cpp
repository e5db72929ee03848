#include "exporters/onnx_qdq_import.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace hwnas::exporters {

namespace {

template <typename... Ops>
bool is_any(const ir::Operator& op) {
  return (std::holds_alternative<Ops>(op) || ...);
}

/// The layer's activation if it is one that kernels fuse.
std::optional<ir::ActivationKind> fusable_activation(const OnnxLayer& layer) {
  const auto* const activation = std::get_if<ir::Activation>(&layer.layer.op);
  if (activation == nullptr || (activation->kind != ir::ActivationKind::kRelu &&
                                activation->kind != ir::ActivationKind::kRelu6)) {
    return std::nullopt;
  }
  return activation->kind;
}

/// Joins layers into kernels; one use each.
class KernelBuilder {
 public:
  explicit KernelBuilder(OnnxGraph& graph) : graph_(graph) {
    for (const OnnxLayer& layer : graph.layers) {
      for (const int input : layer.layer.inputs) ++readers_[input];
    }
  }

  ir::QuantizedNetwork build() {
    if (!graph_.input_quantization) throw invalid_argument("the input is not quantized");
    if (graph_.output_is_float) {
      throw invalid_argument("the output has passed no QuantizeLinear");
    }
    network_.input = graph_.input;
    network_.input_quantization = *graph_.input_quantization;
    for (OnnxLayer& layer : graph_.layers) {
      if (!fuse(layer)) append(layer);
    }
    for (std::size_t i = 0; i < network_.layers.size(); ++i) {
      if (!is_quantized_[i]) fail(network_.layers[i].name, "its result passes no QuantizeLinear");
    }
    ir::verify(network_);
    return std::move(network_);
  }

 private:
  [[noreturn]] static void fail(const std::string& layer, const std::string& reason) {
    throw invalid_argument("layer '{}': {}", layer, reason);
  }

  /// Whether the layer is an activation between its producer and the producer's QuantizeLinear.
  bool fuse(const OnnxLayer& layer) {
    const auto kind = fusable_activation(layer);
    const int producer = layer.layer.inputs.front();
    if (!kind || producer == ir::kNetworkInput || readers_[producer] != 1) return false;
    const auto kernel = static_cast<std::size_t>(kernels_[producer]);
    ir::QuantizedLayer& target = network_.layers[kernel];
    if (is_quantized_[kernel] || target.activation ||
        !is_any<ir::Conv2d, ir::Linear, ir::Add, ir::Mul>(target.op)) {
      return false;
    }
    target.activation = kind;
    if (layer.quantization) {
      target.output = *layer.quantization;
      is_quantized_[kernel] = true;
      if (kind == ir::ActivationKind::kRelu6) require_clip(layer, target);
    }
    kernels_.push_back(kernels_[producer]);
    return true;
  }

  void append(OnnxLayer& layer) {
    ir::QuantizedLayer kernel;
    kernel.name = layer.layer.name;
    kernel.op = layer.layer.op;
    if (layer.reads_float) fail(kernel.name, "reads a value that has passed no QuantizeLinear");
    for (const int input : layer.layer.inputs) {
      kernel.inputs.push_back(input == ir::kNetworkInput ? input : kernels_[input]);
    }
    if (layer.quantization) kernel.output = *layer.quantization;
    is_quantized_.push_back(layer.quantization.has_value());
    if (fusable_activation(layer) == ir::ActivationKind::kRelu6) {
      ir::QuantizedLayer clipped = kernel;
      clipped.activation = ir::ActivationKind::kRelu6;
      require_clip(layer, clipped);
    }
    if (is_any<ir::Conv2d, ir::Linear>(kernel.op)) set_weights(layer, kernel);
    kernels_.push_back(static_cast<int>(network_.layers.size()));
    network_.layers.push_back(std::move(kernel));
  }

  /// ReLU6 ends at 6, or where write_onnx_qdq says.
  static void require_clip(const OnnxLayer& layer, const ir::QuantizedLayer& kernel) {
    const ir::Quantization& q = kernel.output;
    const auto highest = static_cast<float>(ir::output_range(kernel).highest - q.zero_point);
    if (std::abs(layer.clip - 6) > 1e-5F && layer.clip != q.scale * highest) {
      fail(layer.layer.name, fmt::format("clips at {}, only 6 is read", layer.clip));
    }
  }

  void set_weights(OnnxLayer& layer, ir::QuantizedLayer& kernel) {
    if (!layer.integer_weight) fail(kernel.name, "its weight is not quantized");
    kernel.weight = std::move(layer.integer_weight->values);
    kernel.weight_scales = std::move(layer.integer_weight->scales);
    if (layer.integer_weight->is_int4) kernel.format = narrow_format(kernel.name);
    const int producer = kernel.inputs.front();
    const ir::Quantization& input = producer == ir::kNetworkInput
                                        ? network_.input_quantization
                                        : network_.layers[producer].output;
    const std::size_t channels = layer.weights.bias.values.size();
    for (std::size_t c = 0; c < channels; ++c) {
      const std::vector<float>& scales = kernel.weight_scales;
      kernel.bias.push_back(bias(layer, c, input.scale * scales[scales.size() == 1 ? 0 : c]));
    }
  }

  /// int4, or the narrower format that the file names.
  ir::WeightFormat narrow_format(const std::string& layer) const {
    const auto named = graph_.metadata.find(layer + ".weight");
    if (named == graph_.metadata.end()) return ir::WeightFormat::kInt4;
    const auto row =
        std::ranges::find(ir::weight_formats(), named->second, &ir::WeightFormatInfo::name);
    if (row == ir::weight_formats().end() || row->bits > 4) {
      fail(layer, fmt::format("'{}' is no format of 4 bits or fewer", named->second));
    }
    return row->format;
  }

  /// The bias of a channel at `scale`. A float one is rounded to it.
  static std::int64_t bias(const OnnxLayer& layer, std::size_t channel, float scale) {
    if (layer.integer_bias) {
      const auto& [values, scales] = *layer.integer_bias;
      const float stated = scales[scales.size() == 1 ? 0 : channel];
      if (!(std::abs(stated - scale) <= 1e-5F * scale)) {
        fail(layer.layer.name,
             fmt::format("its bias has scale {}, not that of input x weight, {}", stated, scale));
      }
      return values[channel];
    }
    const double rounded = std::round(double{layer.weights.bias.values[channel]} / double{scale});
    if (!(std::abs(rounded) <= std::numeric_limits<std::int32_t>::max())) {
      fail(layer.layer.name, fmt::format("bias {} at scale {} does not fit int32",
                                         layer.weights.bias.values[channel], scale));
    }
    return static_cast<std::int64_t>(rounded);
  }

  OnnxGraph& graph_;
  ir::QuantizedNetwork network_;
  std::map<int, int> readers_;      ///< of each layer of the graph
  std::vector<int> kernels_;        ///< that write each layer of the graph
  std::vector<bool> is_quantized_;  ///< whether a kernel's output is known
};

}  // namespace

void set_quantized_network(OnnxGraph& graph, Model& model) {
  ir::QuantizedNetwork network = KernelBuilder(graph).build();
  model.network = ir::as_network(network);
  for (OnnxLayer& layer : graph.layers) {
    if (layer.weights.weight.values.empty()) continue;
    model.weights.layers[layer.layer.name] = std::move(layer.weights);
  }
  model.quantized = std::move(network);
}

}  // namespace hwnas::exporters
