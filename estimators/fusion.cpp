#include "estimators/fusion.hpp"

#include <variant>

namespace hwnas::estimators {

namespace {

template <typename... Ops>
bool is_any(const ir::Operator& op) {
  return (std::holds_alternative<Ops>(op) || ...);
}

bool is_clamp(const ir::Operator& op) {
  const auto* const activation = std::get_if<ir::Activation>(&op);
  return activation != nullptr && (activation->kind == ir::ActivationKind::kRelu ||
                                   activation->kind == ir::ActivationKind::kRelu6);
}

bool fuses_into(const ir::Operator& op, const ir::Operator& producer) {
  using namespace ir;
  if (is_any<BatchNorm>(op)) return is_any<Conv2d, Linear, BatchNorm>(producer);
  return is_clamp(op) && is_any<Conv2d, Linear, BatchNorm, Add, Mul, Concat, Pool>(producer);
}

}  // namespace

std::vector<int> kernel_layers(const ir::Network& network) {
  std::vector<int> readers(network.layers.size());
  for (const ir::Layer& layer : network.layers) {
    for (const int input : layer.inputs) {
      if (input != ir::kNetworkInput) ++readers[input];
    }
  }
  std::vector<int> kernels;
  kernels.reserve(network.layers.size());
  for (const ir::Layer& layer : network.layers) {
    const int producer = layer.inputs.front();
    const bool from_layer = producer != ir::kNetworkInput;
    if (std::holds_alternative<ir::Flatten>(layer.op)) {
      kernels.push_back(from_layer ? kernels[producer] : ir::kNetworkInput);
    } else if (from_layer && readers[producer] == 1 &&
               fuses_into(layer.op, network.layers[producer].op)) {
      kernels.push_back(kernels[producer]);
    } else {
      kernels.push_back(static_cast<int>(kernels.size()));
    }
  }
  return kernels;
}

}  // namespace hwnas::estimators
