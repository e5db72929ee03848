#include "exporters/tflite_kernels.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "compression/hard_sigmoid.hpp"
#include "exporters/deployed.hpp"

namespace hwnas::exporters {

namespace {

std::string unused_name(std::string name, const ir::Network& network) {
  const auto is_taken = [&] {
    return std::ranges::any_of(network.layers,
                               [&](const ir::Layer& layer) { return layer.name == name; });
  };
  while (is_taken()) name += '_';
  return name;
}

/// The network behind (x − mean)/std_dev.
ir::FoldedNetwork behind_normalisation(ir::FoldedNetwork folded,
                                       const data::Normalisation& normalisation) {
  if (normalisation.mean.empty()) return folded;
  ir::Network& network = folded.network;
  const int channels = network.input.channels;
  ir::LayerWeights weights;
  weights.weight.shape = {channels, 1, 1, 1};
  weights.bias.shape = {channels};
  for (int c = 0; c < channels; ++c) {
    weights.weight.values.push_back(1 / normalisation.std_dev[c]);
    weights.bias.values.push_back(-normalisation.mean[c] / normalisation.std_dev[c]);
  }
  for (ir::Layer& layer : network.layers) {
    for (int& input : layer.inputs) ++input;  // kNetworkInput becomes the new first layer
  }
  const std::string name = unused_name("normalised", network);
  const ir::Conv2d conv{.out_channels = channels, .window = {}, .groups = channels, .bias = true};
  network.layers.insert(network.layers.begin(),
                        ir::Layer{name, conv, {ir::kNetworkInput}, ir::Precision{}});
  folded.weights.layers[name] = std::move(weights);
  return folded;
}

std::vector<int> count_readers(const ir::Network& network) {
  std::vector<int> readers(network.layers.size());
  for (const ir::Layer& layer : network.layers) {
    for (const int input : layer.inputs) {
      if (input != ir::kNetworkInput) ++readers[input];
    }
  }
  return readers;
}

/// The activation if it is one that clamps.
std::optional<ir::ActivationKind> clamp_of(const ir::Operator& op) {
  const auto* const activation = std::get_if<ir::Activation>(&op);
  if (activation == nullptr || (activation->kind != ir::ActivationKind::kRelu &&
                                activation->kind != ir::ActivationKind::kRelu6)) {
    return std::nullopt;
  }
  return activation->kind;
}

bool takes_activation(const TfliteKernel& kernel) {
  return !kernel.activation &&
         (std::holds_alternative<ir::Conv2d>(kernel.op) ||
          std::holds_alternative<ir::Linear>(kernel.op) ||
          std::holds_alternative<ir::Add>(kernel.op) || std::holds_alternative<ir::Mul>(kernel.op));
}

}  // namespace

TfliteKernels float_kernels(const Model& model) {
  const ir::FoldedNetwork folded = behind_normalisation(deployed(model), model.normalisation);
  const std::vector<int> readers = count_readers(folded.network);
  TfliteKernels result{.input = folded.network.input, .input_quantization = {}, .kernels = {}};
  std::vector<int> position;  // of each layer's output among the kernels
  for (const ir::Layer& layer : folded.network.layers) {
    const int producer = layer.inputs.front();
    const auto clamp = clamp_of(layer.op);
    if (clamp && producer != ir::kNetworkInput && readers[producer] == 1 &&
        takes_activation(result.kernels[position[producer]])) {
      result.kernels[position[producer]].activation = clamp;
      position.push_back(position[producer]);
      continue;
    }
    TfliteKernel kernel{
        .name = layer.name, .op = layer.op, .inputs = layer.inputs, .activation = {}, .output = {}};
    for (int& input : kernel.inputs) input = input == ir::kNetworkInput ? input : position[input];
    const auto weights = folded.weights.layers.find(layer.name);
    if (weights != folded.weights.layers.end()) kernel.real = weights->second;
    result.kernels.push_back(std::move(kernel));
    position.push_back(static_cast<int>(result.kernels.size()) - 1);
  }
  return result;
}

TfliteKernels integer_kernels(const ir::QuantizedNetwork& network) {
  TfliteKernels result{
      .input = network.input, .input_quantization = network.input_quantization, .kernels = {}};
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  for (int i = 0; i < std::ssize(network.layers); ++i) {
    ir::QuantizedLayer layer = network.layers[i];
    const auto* const activation = std::get_if<ir::Activation>(&layer.op);
    if (activation != nullptr && activation->kind == ir::ActivationKind::kHardSigmoid) {
      layer = compression::hard_sigmoid_convolution(layer, ir::input_quantization(network, i),
                                                    shapes[i].channels);
    }
    result.kernels.push_back({.name = layer.name,
                              .op = layer.op,
                              .inputs = layer.inputs,
                              .activation = layer.activation,
                              .output = layer.output,
                              .integer = std::move(layer)});
  }
  return result;
}

std::vector<ir::Shape> infer_shapes(const TfliteKernels& kernels) {
  ir::Network network{.input = kernels.input, .layers = {}};
  for (const TfliteKernel& kernel : kernels.kernels) {
    network.layers.push_back({kernel.name, kernel.op, kernel.inputs, ir::Precision{}});
  }
  return ir::infer_shapes(network);
}

}  // namespace hwnas::exporters
