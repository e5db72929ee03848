#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "nn/operators_torch.hpp"
#include "train/fake_quantize_torch.hpp"
#include "train/quantized_module_torch.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;

constexpr double kSmallestRelativeStep = 0.01;

bool is_learned(const ir::LayerScales& layer) {
  return layer.format != ir::WeightFormat::kBinary;
}

std::vector<float> all_steps(const ir::NetworkScales& scales) {
  std::vector<float> steps;
  for (const ir::TensorScale& tensor : scales.tensors) steps.push_back(tensor.quantization.scale);
  for (const ir::LayerScales& layer : scales.layers) {
    steps.insert(steps.end(), layer.weight.begin(), layer.weight.end());
  }
  return steps;
}

bool is_scale(float value) {
  return std::isfinite(value) && value > 0;
}

void require_tensors(const ir::NetworkScales& scales) {
  const auto count = static_cast<int>(scales.tensors.size());
  if (scales.input < 0 || scales.input >= count) {
    throw invalid_argument("the network's input has tensor {} of {}", scales.input, count);
  }
  for (int i = 0; i < count; ++i) {
    const float scale = scales.tensors[i].quantization.scale;
    if (!is_scale(scale)) {
      throw invalid_argument("tensor {}: its scale {} is not a positive number", i, scale);
    }
  }
}

void require_layer(const ir::Layer& layer, const ir::LayerScales& scales, std::size_t channels,
                   int tensors) {
  const auto fail = [&](const std::string& reason) {
    return invalid_argument("layer '{}': {}", layer.name, reason);
  };
  if (scales.output != ir::LayerScales::kFused && (scales.output < 0 || scales.output >= tensors)) {
    throw fail(fmt::format("its output is tensor {} of {}", scales.output, tensors));
  }
  const std::size_t count = scales.weight.size();
  const bool fits = channels == 0 ? count == 0 : count == 1 || count == channels;
  if (!fits) {
    throw fail(fmt::format("{} weight scales for {} output channels", count, channels));
  }
  const auto bad = std::ranges::find_if_not(scales.weight, is_scale);
  if (bad != scales.weight.end()) {
    throw fail(fmt::format("its weight scale {} is not a positive number", *bad));
  }
}

/// Throws unless there is a scale for everything.
const ir::NetworkScales& require_scales(const ir::FoldedNetwork& network,
                                        const ir::NetworkScales& scales) {
  const auto& layers = network.network.layers;
  if (scales.layers.size() != layers.size()) {
    throw invalid_argument("scales of {} layers for a network of {}", scales.layers.size(),
                           layers.size());
  }
  require_tensors(scales);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto found = network.weights.layers.find(layers[i].name);
    const std::size_t channels = found == network.weights.layers.end()
                                     ? 0
                                     : static_cast<std::size_t>(found->second.weight.shape.at(0));
    require_layer(layers[i], scales.layers[i], channels, static_cast<int>(scales.tensors.size()));
  }
  return scales;
}

/// Rounds a layer's weights to their grid as fake_quantize_weight does.
void snap(ir::Array& weight, const ir::LayerScales& scales) {
  const ir::WeightFormatInfo& info = ir::info(scales.format);
  const std::size_t per_step = weight.values.size() / scales.weight.size();
  for (std::size_t i = 0; i < weight.values.size(); ++i) {
    const float step = scales.weight[i / per_step];
    float& value = weight.values[i];
    if (scales.format == ir::WeightFormat::kBinary) {
      value = value < 0 ? -step : step;
    } else {
      value = step * std::rint(std::clamp(value / step, float(info.lowest), float(info.highest)));
    }
  }
}

}  // namespace

StepSizes::StepSizes(const ir::NetworkScales& start, const TrainOptions& options,
                     torch::Device device)
    : start_(torch::tensor(all_steps(start)).to(device)),
      relative_(torch::ones_like(start_)),
      steps_(start_.clone()),
      gradients_(torch::zeros_like(start_)),
      optimizer_(relative_, gradients_, torch::zeros_like(start_), options) {
  std::int64_t used = 0;
  const auto take = [&](std::int64_t count, bool learned) {
    Tensor part = steps_.narrow(0, used, count).detach();
    if (learned) {
      part.requires_grad_(true);
      part.mutable_grad() = gradients_.narrow(0, used, count);
    }
    used += count;
    return part;
  };
  for (const ir::TensorScale& tensor : start.tensors) tensors_.push_back(take(1, !tensor.fixed));
  for (const ir::LayerScales& layer : start.layers) {
    const auto count = static_cast<std::int64_t>(layer.weight.size());
    weights_.push_back(count == 0 ? Tensor() : take(count, is_learned(layer)));
  }
}

void StepSizes::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  // Not times the start, as the chain rule has it: divided by it, SGD moves a step by the learning
  // rate times its gradient.
  gradients_.div_(start_);
  optimizer_.step(learning_rate);
  relative_.clamp_min_(kSmallestRelativeStep);
  torch::mul_out(steps_, start_, relative_);
}

void StepSizes::save(ir::NetworkScales& scales) const {
  const Tensor values = steps_.cpu();
  const auto* next = values.data_ptr<float>();
  for (ir::TensorScale& tensor : scales.tensors) tensor.quantization.scale = *next++;
  for (ir::LayerScales& layer : scales.layers) {
    for (float& scale : layer.weight) scale = *next++;
  }
}

QuantizedModule::QuantizedModule(const ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                                 const TrainOptions& options, torch::Device device)
    : network_(network.network),
      scales_(require_scales(network, scales)),
      module_(network.network, device),
      optimizer_((module_.load(network.weights), module_), options),
      steps_(scales, options, device) {
  module_.set_hooks(hooks());
}

nn::LayerHooks QuantizedModule::hooks() {
  nn::LayerHooks hooks;
  hooks.input = [this](const Tensor& batch) { return quantize(scales_.input, batch); };
  hooks.weight = [this](int layer, const Tensor& weight) {
    return fake_quantize_weight(weight, steps_.of_weights(layer), scales_.layers[layer].format);
  };
  hooks.activation = [this](int layer, ir::ActivationKind kind, const Tensor& x) {
    const int tensor = scales_.layers[layer].output;
    const bool clamps = kind == ir::ActivationKind::kRelu || kind == ir::ActivationKind::kRelu6;
    if (clamps && tensor != ir::LayerScales::kFused) return quantize(tensor, x, kind);
    return quantize(tensor, nn::run_activation(kind, x));
  };
  hooks.output = [this](int layer, const Tensor& y) {
    return moves_values(layer) ? y : quantize(scales_.layers[layer].output, y);
  };
  return hooks;
}

Tensor QuantizedModule::quantize(int tensor, const Tensor& x,
                                 std::optional<ir::ActivationKind> clamp) const {
  if (tensor == ir::LayerScales::kFused) return x;
  return fake_quantize_activation(x, steps_.of_tensor(tensor), scales_.tensors[tensor].quantization,
                                  clamp);
}

bool QuantizedModule::moves_values(int index) const {
  const ir::Layer& layer = network_.layers[index];
  const auto* pool = std::get_if<ir::Pool>(&layer.op);
  const bool moves = (pool != nullptr && pool->kind == ir::PoolKind::kMax) ||
                     std::holds_alternative<ir::Concat>(layer.op) ||
                     std::holds_alternative<ir::Flatten>(layer.op) ||
                     std::holds_alternative<ir::Pad>(layer.op);
  return moves && std::ranges::all_of(layer.inputs, [&](int input) {
           const int tensor =
               input == ir::kNetworkInput ? scales_.input : scales_.layers[input].output;
           return tensor == scales_.layers[index].output;
         });
}

void QuantizedModule::step(double learning_rate) {
  optimizer_.step(learning_rate);
  steps_.step(learning_rate);
}

ir::NetworkScales QuantizedModule::scales() const {
  ir::NetworkScales scales = scales_;
  steps_.save(scales);
  const ir::Weights weights = module_.save();
  for (std::size_t i = 0; i < scales.layers.size(); ++i) {
    ir::LayerScales& layer = scales.layers[i];
    if (layer.format != ir::WeightFormat::kBinary || layer.weight.empty()) continue;
    const ir::Array& weight = weights.layers.at(network_.layers[i].name).weight;
    const Tensor values = torch::from_blob(const_cast<float*>(weight.values.data()), weight.shape);
    const Tensor alpha = binary_scales(values, layer.weight.size() > 1);
    std::copy_n(alpha.data_ptr<float>(), layer.weight.size(), layer.weight.begin());
  }
  return scales;
}

ir::Weights QuantizedModule::weights() const {
  const ir::NetworkScales own = scales();
  ir::Weights weights = module_.save();
  for (std::size_t i = 0; i < own.layers.size(); ++i) {
    if (own.layers[i].weight.empty()) continue;
    snap(weights.layers.at(network_.layers[i].name).weight, own.layers[i]);
  }
  return weights;
}

}  // namespace hwnas::train
