#include "nn/channel_ties.hpp"

#include <algorithm>

#include "ir/overloaded.hpp"

namespace hwnas::nn {

void ChannelTies::cover(const ir::Network& network) {
  const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
  std::vector<Set> outputs;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    std::vector<Set> inputs;
    for (const int input : network.layers[i].inputs) {
      inputs.push_back(input == ir::kNetworkInput ? kFixed : outputs[input]);
    }
    const ir::Shape in = ir::input_shape(network, shapes, static_cast<int>(i));
    outputs.push_back(cover_layer(network.layers[i], in, inputs));
  }
  unite(outputs.back(), kFixed);
}

ChannelTies::Set ChannelTies::cover_layer(const ir::Layer& layer, const ir::Shape& in,
                                          const std::vector<Set>& inputs) {
  const auto of_all_inputs = [&] {
    for (const Set input : inputs) unite(inputs.front(), input);
    return inputs.front();
  };
  const auto fixed = [&] {
    for (const Set input : inputs) unite(input, kFixed);
    return kFixed;
  };
  return std::visit(
      ir::overloaded{
          [&](const ir::Conv2d& conv) {
            if (conv.groups == 1) {
              tie(read_, layer.name, inputs.front());
              return tie(written_, layer.name, fresh());
            }
            const bool depthwise = conv.groups == in.channels && conv.out_channels == in.channels;
            return tie(written_, layer.name, depthwise ? inputs.front() : fixed());
          },
          [&](const ir::Linear&) {
            tie(read_, layer.name, inputs.front());
            return tie(written_, layer.name, fresh());
          },
          [&](const ir::BatchNorm&) { return tie(written_, layer.name, inputs.front()); },
          [&](const ir::Add&) { return of_all_inputs(); },
          [&](const ir::Mul&) { return of_all_inputs(); },
          [&](const ir::Zero&) { return fresh(); },
          [&](const ir::Flatten&) { return in.height * in.width == 1 ? inputs.front() : fixed(); },
          [&](const ir::Concat&) { return fixed(); },
          [&](const ir::Softmax&) { return fixed(); },
          [&](const auto&) { return inputs.front(); },
      },
      layer.op);
}

ChannelTies::Set ChannelTies::set_of(const Sets& sets, const std::string& layer) const {
  const auto found = sets.find(layer);
  return found == sets.end() ? kFixed : root(found->second);
}

ChannelTies::Set ChannelTies::root(Set set) const {
  while (parents_[set] != set) set = parents_[set];
  return set;
}

ChannelTies::Set ChannelTies::fresh() {
  parents_.push_back(static_cast<Set>(parents_.size()));
  return parents_.back();
}

ChannelTies::Set ChannelTies::tie(Sets& sets, const std::string& layer, Set tied) {
  const auto [known, is_new] = sets.try_emplace(layer, tied);
  if (!is_new) unite(known->second, tied);
  return known->second;
}

void ChannelTies::unite(Set a, Set b) {
  a = root(a);
  b = root(b);
  parents_[std::max(a, b)] = std::min(a, b);  // so that what is tied to kFixed is kFixed
}

}  // namespace hwnas::nn
