#include <algorithm>
#include <cmath>
#include <optional>
#include <variant>

#include "compression/corrections.hpp"

namespace hwnas::compression {

namespace {

/// Scaling a channel before it is scaling it after it.
bool is_homogeneous(const ir::Operator& op) {
  const auto* const activation = std::get_if<ir::Activation>(&op);
  return std::holds_alternative<ir::Pool>(op) || std::holds_alternative<ir::Pad>(op) ||
         std::holds_alternative<ir::GlobalAveragePool>(op) ||
         (activation != nullptr && activation->kind == ir::ActivationKind::kRelu);
}

struct Pair {
  int first = 0;
  int second = 0;
};

std::vector<Pair> equalizable_pairs(const ir::FoldedNetwork& network) {
  const std::vector<ir::Layer>& layers = network.network.layers;
  const std::vector<std::vector<int>> readers = ir::readers(network.network);
  const auto has_weights = [&](int layer) {
    return network.weights.layers.contains(layers[layer].name);
  };
  std::vector<Pair> pairs;
  for (int first = 0; first < std::ssize(layers); ++first) {
    if (!has_weights(first)) continue;
    int layer = first;
    while (readers[layer].size() == 1) {
      layer = readers[layer].front();
      if (has_weights(layer)) {
        pairs.push_back({first, layer});
        break;
      }
      if (!is_homogeneous(layers[layer].op)) break;
    }
  }
  return pairs;
}

/// A layer's weights by output and by input channel.
class ChannelWeights {
 public:
  ChannelWeights(const ir::Operator& op, ir::LayerWeights& weights)
      : values_(weights.weight.values),
        bias_(weights.bias.values),
        outputs_(weights.weight.shape[0]),
        depth_(weights.weight.shape[1]),
        taps_(std::ssize(values_) / (outputs_ * depth_)) {
    if (const auto* const conv = std::get_if<ir::Conv2d>(&op)) groups_ = conv->groups;
  }

  template <typename Function>
  void for_output(std::int64_t channel, const Function& function) {
    for (std::int64_t i = 0; i < depth_ * taps_; ++i)
      function(values_[channel * depth_ * taps_ + i]);
  }

  template <typename Function>
  void for_input(std::int64_t channel, const Function& function) {
    const std::int64_t group = channel / depth_;
    const std::int64_t per_group = outputs_ / groups_;
    for (std::int64_t output = group * per_group; output < (group + 1) * per_group; ++output) {
      const std::int64_t start = (output * depth_ + channel % depth_) * taps_;
      for (std::int64_t tap = 0; tap < taps_; ++tap) function(values_[start + tap]);
    }
  }

  float& bias(std::int64_t channel) { return bias_[channel]; }
  std::int64_t outputs() const { return outputs_; }

 private:
  std::vector<float>& values_;
  std::vector<float>& bias_;
  std::int64_t outputs_;
  std::int64_t depth_;
  std::int64_t taps_;
  std::int64_t groups_ = 1;
};

/// The largest change of a scale.
double equalize_pair(const ir::FoldedNetwork& network, ir::Weights& weights, const Pair& pair) {
  const ir::Layer& first_layer = network.network.layers[pair.first];
  const ir::Layer& second_layer = network.network.layers[pair.second];
  ChannelWeights first(first_layer.op, weights.layers.at(first_layer.name));
  ChannelWeights second(second_layer.op, weights.layers.at(second_layer.name));
  double largest_change = 0;
  for (std::int64_t channel = 0; channel < first.outputs(); ++channel) {
    float first_range = 0;
    float second_range = 0;
    first.for_output(channel, [&](float w) { first_range = std::max(first_range, std::abs(w)); });
    second.for_input(channel, [&](float w) { second_range = std::max(second_range, std::abs(w)); });
    if (first_range == 0 || second_range == 0) continue;
    const float scale = std::sqrt(first_range / second_range);
    first.for_output(channel, [&](float& w) { w /= scale; });
    first.bias(channel) /= scale;
    second.for_input(channel, [&](float& w) { w *= scale; });
    largest_change = std::max(largest_change, std::abs(std::log(static_cast<double>(scale))));
  }
  return largest_change;
}

}  // namespace

int equalize(ir::FoldedNetwork& network) {
  constexpr int kMostRounds = 50;
  constexpr double kUnchanged = 1e-3;
  const std::vector<Pair> pairs = equalizable_pairs(network);
  for (int round = 0; round < kMostRounds; ++round) {
    double change = 0;
    for (const Pair& pair : pairs) {
      change = std::max(change, equalize_pair(network, network.weights, pair));
    }
    if (change < kUnchanged) break;
  }
  return static_cast<int>(pairs.size());
}

}  // namespace hwnas::compression
