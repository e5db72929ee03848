#include "compression/precision_space.hpp"

#include <algorithm>
#include <variant>

#include "core/error.hpp"

namespace hwnas::compression {

namespace {

bool one_activation_width(const std::vector<PrecisionOption>& options) {
  return std::ranges::all_of(options, [&](const PrecisionOption& option) {
    return option.activation_bits == options.front().activation_bits;
  });
}

std::vector<bool> pinned_groups(const PrecisionSpace& space,
                                const std::vector<std::string>& names) {
  std::vector<bool> pinned(space.groups.size(), false);
  for (const std::string& name : names) {
    bool found = false;
    for (std::size_t g = 0; g < space.groups.size(); ++g) {
      for (const int layer : space.groups[g]) {
        if (space.network.layers[layer].name != name) continue;
        pinned[g] = true;
        found = true;
      }
    }
    if (!found) {
      throw invalid_argument("no layer '{}' with weights to keep at {}", name,
                             to_string(space.options.front()));
    }
  }
  return pinned;
}

}  // namespace

std::string to_string(const PrecisionOption& option) {
  return fmt::format("{}/a{}", ir::info(option.format).name, option.activation_bits);
}

PrecisionSpace precision_space(const ir::Network& network, std::vector<PrecisionOption> options,
                               const std::vector<std::string>& pinned_layers) {
  ir::verify(network);
  if (options.empty()) throw invalid_argument("bit allocation needs at least one precision");
  for (const ir::Layer& layer : network.layers) {
    if (std::holds_alternative<ir::BatchNorm>(layer.op)) {
      throw invalid_argument("layer '{}' is a batch norm; fold batch norms before bit allocation",
                             layer.name);
    }
  }
  PrecisionSpace space{
      .network = network, .options = std::move(options), .groups = {}, .pinned = {}};
  space.groups = precision_groups(
      network, one_activation_width(space.options) ? PrecisionTie::kNone : PrecisionTie::kOutputs);
  if (space.groups.empty()) throw invalid_argument("the network has no layer with weights");
  space.pinned = pinned_groups(space, pinned_layers);
  return space;
}

ir::Network with_precisions(const PrecisionSpace& space, const std::vector<int>& choice) {
  ir::Network network = space.network;
  std::vector<int> group_of(network.layers.size(), -1);
  for (std::size_t g = 0; g < space.groups.size(); ++g) {
    for (const int layer : space.groups[g]) group_of[layer] = static_cast<int>(g);
  }
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    ir::Layer& layer = network.layers[i];
    if (group_of[i] >= 0) {
      layer.precision = space.options[choice[group_of[i]]].precision();
      continue;
    }
    const int input = layer.inputs.front();
    const int bits = input == ir::kNetworkInput ? space.options.front().activation_bits
                                                : network.layers[input].precision.activation_bits;
    layer.precision = {.weight_bits = 8, .activation_bits = bits};
  }
  return network;
}

BitWidths bit_widths(const PrecisionSpace& space, const std::vector<int>& choice) {
  BitWidths widths{.default_format = space.options.front().format,
                   .activation_bits = space.options[choice.front()].activation_bits};
  for (std::size_t g = 0; g < space.groups.size(); ++g) {
    const PrecisionOption& option = space.options[choice[g]];
    if (option.activation_bits != widths.activation_bits) {
      throw invalid_argument(
          "layer '{}' has {}-bit activations and '{}' {}: the quantizer takes one width for all",
          space.network.layers[space.groups[g].front()].name, option.activation_bits,
          space.network.layers[space.groups.front().front()].name, widths.activation_bits);
    }
    for (const int layer : space.groups[g]) {
      widths.formats[space.network.layers[layer].name] = option.format;
    }
  }
  return widths;
}

}  // namespace hwnas::compression
