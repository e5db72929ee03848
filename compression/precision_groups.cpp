#include <map>
#include <numeric>
#include <variant>

#include "compression/precision_space.hpp"

namespace hwnas::compression {

namespace {

/// Tensors of a network: outputs of layers, and its input.
class Tensors {
 public:
  explicit Tensors(std::size_t layers) : parent_(layers + 1) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }

  void unite(int a, int b) { parent_[find(b)] = find(a); }
  int find(int tensor) {
    int root = tensor == ir::kNetworkInput ? static_cast<int>(parent_.size()) - 1 : tensor;
    while (parent_[root] != root) root = parent_[root] = parent_[parent_[root]];
    return root;
  }

 private:
  std::vector<int> parent_;
};

bool has_weights(const ir::Operator& op) {
  return std::holds_alternative<ir::Conv2d>(op) || std::holds_alternative<ir::Linear>(op);
}

/// Additions and products bring each operand to a scale of its own choice.
bool rescales(const ir::Operator& op) {
  return std::holds_alternative<ir::Add>(op) || std::holds_alternative<ir::Mul>(op);
}

Tensors classes(const ir::Network& network, PrecisionTie tie) {
  Tensors tensors(network.layers.size());
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const ir::Layer& layer = network.layers[i];
    if (tie == PrecisionTie::kNone || has_weights(layer.op)) continue;
    if (tie == PrecisionTie::kInputs && rescales(layer.op)) continue;
    for (const int input : layer.inputs) tensors.unite(static_cast<int>(i), input);
  }
  return tensors;
}

}  // namespace

std::vector<std::vector<int>> precision_groups(const ir::Network& network, PrecisionTie tie) {
  Tensors tensors = classes(network, tie);
  std::map<int, std::size_t> group_of;
  std::vector<std::vector<int>> groups;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const ir::Layer& layer = network.layers[i];
    if (!has_weights(layer.op)) continue;
    const auto index = static_cast<int>(i);
    const bool by_input = tie == PrecisionTie::kInputs;
    const int tensor = tensors.find(by_input ? layer.inputs.front() : index);
    const auto [place, is_new] = group_of.try_emplace(tensor, groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].push_back(index);
  }
  return groups;
}

}  // namespace hwnas::compression
