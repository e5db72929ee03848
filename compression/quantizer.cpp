#include "compression/quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <variant>

#include "compression/requantization.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

bool has_weights(const ir::Operator& op) {
  return std::holds_alternative<ir::Conv2d>(op) || std::holds_alternative<ir::Linear>(op);
}

/// Whether TensorFlow Lite's factor and TensorFlow Lite Micro's round every |x| <= largest alike.
bool factors_agree(double tflite, double micro, int largest) {
  const FixedPointFactor first = fixed_point_factor(tflite);
  const FixedPointFactor second = fixed_point_factor(micro);
  if (first == second) return true;
  for (int x = -largest; x <= largest; ++x) {
    if (multiply_rounding_twice(x, first) != multiply_rounding_twice(x, second)) return false;
    if (multiply_rounding_once(x, first) != multiply_rounding_once(x, second)) return false;
  }
  return true;
}

/// The scale at or just over `scale` with which all inputs of a product (or, without a second
/// scale, of a lone relu) are rounded alike in either runtime.
float agreed_scale(float first, std::optional<float> second, float scale) {
  const int largest = second ? 255 * 255 : 255;
  for (;; scale = std::nextafter(scale, std::numeric_limits<float>::infinity())) {
    const float product = second ? first * *second : first;
    const double exact = static_cast<double>(first) * second.value_or(1.0F);
    if (factors_agree(product / scale, exact / scale, largest)) return scale;
  }
}

/// A convolution or linear layer whose hard sigmoid is fused: x/6 + 1/2, clamped by the output's
/// range.
void absorb_hard_sigmoid(ir::LayerWeights& weights, ir::LayerScales& scales) {
  for (float& weight : weights.weight.values) weight /= 6;
  for (float& scale : scales.weight) scale /= 6;
  for (float& bias : weights.bias.values) bias = bias / 6 + 0.5F;
}

void round_weights(const ir::LayerWeights& weights, ir::LayerScales scales,
                   const ir::Quantization& input, ir::QuantizedLayer& layer) {
  // Half of the accumulator's range is left to the products.
  const double largest = input.bits == 8 ? 0x1p30 : 0x1p46;
  const std::vector<float>& bias = weights.bias.values;
  for (std::size_t channel = 0; channel < bias.size(); ++channel) {
    float& scale = scales.weight[scales.weight.size() == 1 ? 0 : channel];
    const double needed = std::abs(bias[channel]) / (largest * input.scale);
    if (needed > scale) scale = static_cast<float>(needed);
  }
  layer.format = scales.format;
  layer.weight = rounded_weights(weights, scales);
  layer.weight_scales = scales.weight;
  for (std::size_t channel = 0; channel < bias.size(); ++channel) {
    const double scale =
        static_cast<double>(input.scale) * scales.weight[scales.weight.size() == 1 ? 0 : channel];
    layer.bias.push_back(std::llround(bias[channel] / scale));
  }
}

/// Makes one integer layer of each layer that is not fused into the one before it.
class NetworkRounder {
 public:
  NetworkRounder(const ir::FoldedNetwork& network, const ir::NetworkScales& scales)
      : layers_(network.network.layers),
        weights_(network.weights),
        scales_(scales),
        readers_(ir::readers(network.network)),
        position_(layers_.size()) {
    for (int i = 0; i < std::ssize(layers_); ++i) settle_output_scale(i);
    result_.input = network.network.input;
    result_.input_quantization = scales_.tensors[scales_.input].quantization;
  }

  ir::QuantizedNetwork round() && {
    for (int i = 0; i < std::ssize(layers_); ++i) {
      const bool into_producer = layers_[i].inputs.front() != ir::kNetworkInput &&
                                 fused_activation(layers_[i].inputs.front()) != nullptr;
      if (into_producer) {
        position_[i] = position_[layers_[i].inputs.front()];
      } else {
        result_.layers.push_back(rounded_layer(i));
        position_[i] = static_cast<int>(result_.layers.size()) - 1;
      }
    }
    ir::verify(result_);
    return std::move(result_);
  }

 private:
  /// The activation that runs in the layer's kernel, or null.
  const ir::Activation* fused_activation(int layer) const {
    if (scales_.layers[layer].output != ir::LayerScales::kFused) return nullptr;
    return &std::get<ir::Activation>(layers_[readers_[layer].front()].op);
  }

  /// What the layer's kernel writes.
  ir::TensorScale& output(int layer) {
    const int writer = fused_activation(layer) == nullptr ? layer : readers_[layer].front();
    return scales_.tensors[scales_.layers[writer].output];
  }

  const ir::Quantization& input(int layer, int position) const {
    const int producer = layers_[layer].inputs[position];
    const int tensor =
        producer == ir::kNetworkInput ? scales_.input : scales_.layers[producer].output;
    return scales_.tensors[tensor].quantization;
  }

  void settle_output_scale(int layer) {
    const auto* const activation = std::get_if<ir::Activation>(&layers_[layer].op);
    const int producer = layers_[layer].inputs.front();
    const bool product = std::holds_alternative<ir::Mul>(layers_[layer].op);
    const bool lone_clamp =
        activation != nullptr &&
        (activation->kind == ir::ActivationKind::kRelu ||
         activation->kind == ir::ActivationKind::kRelu6) &&
        (producer == ir::kNetworkInput || fused_activation(producer) == nullptr);
    ir::TensorScale& written = output(layer);
    if (!(product || lone_clamp) || written.fixed || written.quantization.bits != 8) return;
    const std::optional<float> second =
        product ? std::optional(input(layer, 1).scale) : std::nullopt;
    written.quantization.scale =
        agreed_scale(input(layer, 0).scale, second, written.quantization.scale);
  }

  ir::QuantizedLayer rounded_layer(int index) {
    const ir::Layer& layer = layers_[index];
    ir::QuantizedLayer kernel{.name = layer.name, .op = layer.op, .inputs = layer.inputs};
    for (int& from : kernel.inputs) from = from == ir::kNetworkInput ? from : position_[from];
    kernel.output = output(index).quantization;
    const ir::Activation* const activation = fused_activation(index);
    const bool gate = activation != nullptr && activation->kind == ir::ActivationKind::kHardSigmoid;
    if (activation != nullptr && !gate) kernel.activation = activation->kind;
    if (has_weights(layer.op)) {
      ir::LayerWeights weights = weights_.layers.at(layer.name);
      ir::LayerScales scales = scales_.layers[index];
      if (gate) absorb_hard_sigmoid(weights, scales);
      round_weights(weights, std::move(scales), input(index, 0), kernel);
    }
    return kernel;
  }

  const std::vector<ir::Layer>& layers_;
  const ir::Weights& weights_;
  ir::NetworkScales scales_;
  std::vector<std::vector<int>> readers_;
  std::vector<int> position_;  ///< in the result, of each layer's output
  ir::QuantizedNetwork result_;
};

}  // namespace

std::vector<Histogram> observe(const ir::FoldedNetwork& network, const ir::NetworkScales& plan,
                               const Samples& samples) {
  std::vector<Histogram> histograms(plan.tensors.size());
  for (std::size_t i = 0; i < samples.count; ++i) {
    const std::vector<float> input = samples.at(i);
    histograms[plan.input].add(input);
    ir::run_reference(network.network, network.weights, input,
                      [&](int layer, std::span<const float> output) {
                        const int tensor = plan.layers[layer].output;
                        if (tensor != ir::LayerScales::kFused) histograms[tensor].add(output);
                      });
  }
  return histograms;
}

ir::NetworkScales calibrated(const ir::FoldedNetwork& network, ir::NetworkScales plan,
                             const std::vector<Histogram>& observed,
                             std::string_view calibrator_name) {
  const CalibratorInfo& method = calibrator(calibrator_name);
  for (std::size_t tensor = 0; tensor < plan.tensors.size(); ++tensor) {
    ir::TensorScale& scale = plan.tensors[tensor];
    if (scale.fixed) continue;
    if (observed[tensor].empty()) {
      throw invalid_argument("calibration saw no sample: at least one is needed");
    }
    // The input is what it is: clipping it would only lose what is known.
    const RealRange range = static_cast<int>(tensor) == plan.input
                                ? calibrator("min_max").range(observed[tensor])
                                : method.range(observed[tensor]);
    scale.quantization = covering(range, scale.quantization.bits);
  }
  for (std::size_t i = 0; i < network.network.layers.size(); ++i) {
    const ir::Layer& layer = network.network.layers[i];
    if (has_weights(layer.op)) {
      fit_weight_scales(layer, network.weights.layers.at(layer.name), plan.layers[i]);
    }
  }
  return plan;
}

ir::QuantizedNetwork quantized(const ir::FoldedNetwork& network, const ir::NetworkScales& scales) {
  return NetworkRounder(network, scales).round();
}

}  // namespace hwnas::compression
