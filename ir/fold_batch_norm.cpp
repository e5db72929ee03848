#include <cmath>

#include "ir/weights.hpp"

namespace hwnas::ir {

namespace {

/// A batch norm as y = scale·x + shift, per channel.
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

Affine to_affine(const LayerWeights& norm, float epsilon) {
  Affine affine;
  for (std::size_t c = 0; c < norm.weight.values.size(); ++c) {
    const double scale =
        norm.weight.values[c] / std::sqrt(double{norm.running_var.values[c]} + epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(norm.bias.values[c] - scale * norm.running_mean.values[c]);
  }
  return affine;
}

/// Weights of a convolution or linear layer followed by the batch norm.
void fold_into(LayerWeights& producer, const Affine& affine) {
  const std::size_t channels = affine.scale.size();
  const std::size_t per_channel = producer.weight.values.size() / channels;
  if (producer.bias.values.empty()) {
    producer.bias = {{static_cast<std::int64_t>(channels)}, std::vector<float>(channels)};
  }
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t i = 0; i < per_channel; ++i) {
      float& value = producer.weight.values[c * per_channel + i];
      value = static_cast<float>(value * affine.scale[c]);
    }
    float& bias = producer.bias.values[c];
    bias = static_cast<float>(bias * affine.scale[c] + affine.shift[c]);
  }
}

/// The batch norm alone, as the weights of a depthwise 1x1 convolution.
LayerWeights to_depthwise(const Affine& affine) {
  const auto channels = static_cast<std::int64_t>(affine.scale.size());
  return {.weight = {{channels, 1, 1, 1}, {affine.scale.begin(), affine.scale.end()}},
          .bias = {{channels}, {affine.shift.begin(), affine.shift.end()}},
          .running_mean = {},
          .running_var = {}};
}

/// Sets the bias flag of a convolution or linear layer; false for any other operator.
bool give_bias(Operator& op) {
  if (auto* const conv = std::get_if<Conv2d>(&op)) {
    conv->bias = true;
  } else if (auto* const linear = std::get_if<Linear>(&op)) {
    linear->bias = true;
  } else {
    return false;
  }
  return true;
}

std::vector<int> count_readers(const Network& network) {
  std::vector<int> readers(network.layers.size());
  for (const Layer& layer : network.layers) {
    for (const int input : layer.inputs) {
      if (input != kNetworkInput) ++readers[input];
    }
  }
  return readers;
}

/// Folds the network and, unless `weights` is null, its weights.
Network fold(const Network& network, Weights* weights) {
  verify(network);
  const std::vector<Shape> shapes = infer_shapes(network);
  const std::vector<int> readers = count_readers(network);
  Network folded{.input = network.input, .layers = {}};
  std::vector<int> new_index;  // of each old layer's output
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    Layer layer = network.layers[i];
    const int producer = layer.inputs.front();
    for (int& input : layer.inputs) {
      if (input != kNetworkInput) input = new_index[input];
    }
    if (const auto* const norm = std::get_if<BatchNorm>(&layer.op)) {
      Affine affine;
      if (weights != nullptr) affine = to_affine(weights->layers.at(layer.name), norm->epsilon);
      if (producer != kNetworkInput && readers[producer] == 1 &&
          give_bias(folded.layers[layer.inputs.front()].op)) {
        Layer& target = folded.layers[layer.inputs.front()];
        target.precision.activation_bits = layer.precision.activation_bits;
        if (weights != nullptr) {
          fold_into(weights->layers.at(target.name), affine);
          weights->layers.erase(layer.name);
        }
        new_index.push_back(layer.inputs.front());
        continue;
      }
      const int channels = shapes[i].channels;
      layer.op = Conv2d{.out_channels = channels, .window = {}, .groups = channels, .bias = true};
      if (weights != nullptr) weights->layers.at(layer.name) = to_depthwise(affine);
    }
    new_index.push_back(static_cast<int>(folded.layers.size()));
    folded.layers.push_back(std::move(layer));
  }
  return folded;
}

}  // namespace

FoldedNetwork fold_batch_norm(const Network& network, const Weights& weights) {
  verify(network, weights);
  FoldedNetwork folded{.network = {}, .weights = weights};
  folded.network = fold(network, &folded.weights);
  return folded;
}

Network fold_batch_norm(const Network& network) {
  return fold(network, nullptr);
}

}  // namespace hwnas::ir
