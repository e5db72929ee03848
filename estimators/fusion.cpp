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

}  // namespace

bool fuses_into(const ir::Operator& op, const ir::Operator& producer, const FusionRules& rules) {
  using namespace ir;
  if (is_any<BatchNorm>(op)) {
    return rules.has(FusionRule::kConvBatchNorm) && is_any<Conv2d, Linear, BatchNorm>(producer);
  }
  if (!is_any<Activation>(op)) return false;
  if (!is_clamp(op)) {
    return rules.has(FusionRule::kConvActivation) && is_any<Conv2d, Linear, BatchNorm>(producer);
  }
  return (rules.has(FusionRule::kConvClamp) && is_any<Conv2d, Linear, BatchNorm>(producer)) ||
         (rules.has(FusionRule::kAddClamp) && is_any<Add>(producer)) ||
         (rules.has(FusionRule::kMulClamp) && is_any<Mul>(producer)) ||
         (rules.has(FusionRule::kConcatClamp) && is_any<Concat>(producer)) ||
         (rules.has(FusionRule::kPoolClamp) && is_any<Pool>(producer));
}

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
               fuses_into(layer.op, network.layers[producer].op, FusionRules{})) {
      kernels.push_back(kernels[producer]);
    } else {
      kernels.push_back(static_cast<int>(kernels.size()));
    }
  }
  return kernels;
}

}  // namespace hwnas::estimators
