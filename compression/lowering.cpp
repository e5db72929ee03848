#include <variant>

#include "compression/quantizer.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

bool has_bias(const ir::Operator& op) {
  if (const auto* const conv = std::get_if<ir::Conv2d>(&op)) return conv->bias;
  if (const auto* const linear = std::get_if<ir::Linear>(&op)) return linear->bias;
  return true;
}

/// Gives a convolution or linear layer a bias of zeros.
void add_bias(ir::Layer& layer, ir::LayerWeights& weights) {
  std::int64_t channels = 0;
  if (auto* const conv = std::get_if<ir::Conv2d>(&layer.op)) {
    conv->bias = true;
    channels = conv->out_channels;
  } else {
    auto& linear = std::get<ir::Linear>(layer.op);
    linear.bias = true;
    channels = linear.out_features;
  }
  weights.bias = {.shape = {channels}, .values = std::vector<float>(channels)};
}

}  // namespace

ir::FoldedNetwork lowered(const ir::Network& network, const ir::Weights& weights) {
  const ir::Network live = ir::remove_dead_layers(network);
  ir::Weights live_weights;
  for (const ir::Layer& layer : live.layers) {
    if (const auto found = weights.layers.find(layer.name); found != weights.layers.end()) {
      live_weights.layers.insert(*found);
    }
  }
  const ir::FoldedNetwork folded = ir::fold_batch_norm(live, live_weights);
  ir::FoldedNetwork result{.network = {.input = folded.network.input, .layers = {}},
                           .weights = folded.weights};
  std::vector<int> position;  // of each folded layer in the result
  for (const ir::Layer& layer : folded.network.layers) {
    if (std::holds_alternative<ir::Zero>(layer.op)) {
      throw invalid_argument("layer '{}' (zero) cannot be quantized: it has no integer kernel",
                             layer.name);
    }
    ir::Layer next = layer;
    for (int& input : next.inputs) input = input == ir::kNetworkInput ? input : position[input];
    if (!has_bias(next.op)) add_bias(next, result.weights.layers[next.name]);
    if (std::holds_alternative<ir::Add>(next.op)) {
      const std::vector<int> terms = next.inputs;
      for (std::size_t i = 1; i + 1 < terms.size(); ++i) {
        ir::Layer partial = next;
        partial.name = fmt::format("{}.partial{}", next.name, i);
        partial.inputs = {next.inputs.front(), terms[i]};
        result.network.layers.push_back(partial);
        next.inputs.front() = static_cast<int>(result.network.layers.size()) - 1;
      }
      next.inputs = {next.inputs.front(), terms.back()};
    }
    result.network.layers.push_back(std::move(next));
    position.push_back(static_cast<int>(result.network.layers.size()) - 1);
  }
  ir::verify(result.network, result.weights);
  return result;
}

}  // namespace hwnas::compression
