#include <algorithm>

#include "ir/network.hpp"

namespace hwnas::ir {

namespace {

/// The network with every term of an addition that is zero left out: layers are rewired, none is
/// removed.
Network without_zero_terms(Network network) {
  // What stands for each layer's output: itself, or the one term left of an addition.
  std::vector<int> stand_in(network.layers.size());
  const auto is_zero = [&](int index) {
    return index != kNetworkInput && std::holds_alternative<Zero>(network.layers[index].op);
  };
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    stand_in[i] = static_cast<int>(i);
    Layer& layer = network.layers[i];
    for (int& input : layer.inputs) {
      if (input != kNetworkInput) input = stand_in[input];
    }
    if (!std::holds_alternative<Add>(layer.op)) continue;
    std::vector<int> terms;
    std::ranges::remove_copy_if(layer.inputs, std::back_inserter(terms), is_zero);
    if (terms.size() > 1) {
      layer.inputs = terms;
      continue;
    }
    const int only = terms.empty() ? layer.inputs.front() : terms.front();
    // An output must be a layer: an addition that only hands on the network's input stays there.
    const bool is_output = i + 1 == network.layers.size();
    if (!is_output || only != kNetworkInput) stand_in[i] = only;
  }
  if (stand_in.back() + 1 != static_cast<int>(network.layers.size())) {
    network.layers.resize(stand_in.back() + 1);
  }
  return network;
}

}  // namespace

Network remove_dead_layers(const Network& network) {
  infer_shapes(network);
  const Network rewired = without_zero_terms(network);
  std::vector<bool> live(rewired.layers.size());
  live.back() = true;
  for (std::size_t i = live.size(); i-- > 0;) {
    if (!live[i]) continue;
    for (const int input : rewired.layers[i].inputs) {
      if (input != kNetworkInput) live[input] = true;
    }
  }
  Network result{.input = rewired.input, .layers = {}};
  std::vector<int> new_index(live.size(), kNetworkInput);
  for (std::size_t i = 0; i < live.size(); ++i) {
    if (!live[i]) continue;
    new_index[i] = static_cast<int>(result.layers.size());
    Layer layer = rewired.layers[i];
    for (int& input : layer.inputs) {
      if (input != kNetworkInput) input = new_index[input];
    }
    result.layers.push_back(std::move(layer));
  }
  return result;
}

}  // namespace hwnas::ir
