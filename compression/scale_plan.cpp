#include <variant>

#include "compression/quantizer.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

template <typename... Ops>
bool is_any(const ir::Operator& op) {
  return (std::holds_alternative<Ops>(op) || ...);
}

bool fuses(const ir::Operator& producer, const ir::Operator& reader) {
  const auto* const activation = std::get_if<ir::Activation>(&reader);
  if (activation == nullptr) return false;
  switch (activation->kind) {
    case ir::ActivationKind::kRelu:
    case ir::ActivationKind::kRelu6:
      return is_any<ir::Conv2d, ir::Linear, ir::Add, ir::Mul>(producer);
    case ir::ActivationKind::kHardSigmoid:
      return is_any<ir::Conv2d, ir::Linear>(producer);
    case ir::ActivationKind::kHardSwish:
    case ir::ActivationKind::kSigmoid:
      return false;
  }
  return false;
}

bool has_fixed_output(const ir::Operator& op) {
  const auto* const activation = std::get_if<ir::Activation>(&op);
  return is_any<ir::Softmax>(op) ||
         (activation != nullptr && (activation->kind == ir::ActivationKind::kSigmoid ||
                                    activation->kind == ir::ActivationKind::kHardSigmoid));
}

bool keeps_quantization(const ir::Operator& op) {
  return is_any<ir::Concat, ir::Pool, ir::GlobalAveragePool, ir::Flatten, ir::Pad>(op);
}

/// Throws if a tensor that an operator fixes is shared with one that would need its own range.
void refuse_conflicts(const ir::Network& network, const ir::NetworkScales& plan) {
  const bool input_fixed = plan.tensors[plan.input].fixed;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const ir::Layer& layer = network.layers[i];
    const int tensor = plan.layers[i].output;
    const bool conflict = tensor != ir::LayerScales::kFused && plan.tensors[tensor].fixed &&
                          !has_fixed_output(layer.op) && !keeps_quantization(layer.op);
    if (conflict || (input_fixed && i == 0)) {
      throw invalid_argument(
          "layer '{}' ({}) cannot be quantized: it shares its scale, through a concatenation, with "
          "a sigmoid or softmax, whose scale is fixed at 1/256",
          layer.name, ir::operator_name(layer.op));
    }
  }
}

/// Sets of tensors that share one quantization.
class SharedTensors {
 public:
  int make() {
    parent_.push_back(static_cast<int>(parent_.size()));
    return parent_.back();
  }
  int find(int tensor) const {
    while (parent_[tensor] != tensor) tensor = parent_[tensor];
    return tensor;
  }
  void join(int a, int b) { parent_[find(b)] = find(a); }

 private:
  std::vector<int> parent_;
};

}  // namespace

ir::NetworkScales plan_scales(const ir::Network& network, const BitWidths& widths) {
  const std::vector<std::vector<int>> readers = ir::readers(network);
  SharedTensors shared;
  const int input = shared.make();
  std::vector<int> tensor_of(network.layers.size(), ir::LayerScales::kFused);
  std::vector<int> fixed;
  for (int i = 0; i < std::ssize(network.layers); ++i) {
    const ir::Layer& layer = network.layers[i];
    const bool fused =
        readers[i].size() == 1 && fuses(layer.op, network.layers[readers[i].front()].op);
    if (fused) continue;
    tensor_of[i] = shared.make();
    if (has_fixed_output(layer.op)) fixed.push_back(i);
    if (!keeps_quantization(layer.op)) continue;
    for (const int producer : layer.inputs) {
      shared.join(producer == ir::kNetworkInput ? input : tensor_of[producer], tensor_of[i]);
    }
  }

  ir::NetworkScales plan;
  std::vector<int> number(1 + network.layers.size(), -1);  // of each set
  const auto numbered = [&](int tensor) {
    int& result = number[shared.find(tensor)];
    if (result < 0) {
      result = static_cast<int>(plan.tensors.size());
      plan.tensors.push_back({.quantization = {.bits = widths.activation_bits}});
    }
    return result;
  };
  plan.input = numbered(input);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const auto found = widths.formats.find(network.layers[i].name);
    ir::LayerScales scales;
    scales.format = found == widths.formats.end() ? widths.default_format : found->second;
    if (tensor_of[i] != ir::LayerScales::kFused) scales.output = numbered(tensor_of[i]);
    plan.layers.push_back(std::move(scales));
  }
  for (const int layer : fixed) {
    plan.tensors[plan.layers[layer].output] = {.quantization = ir::kUnitRange, .fixed = true};
  }
  refuse_conflicts(network, plan);
  return plan;
}

}  // namespace hwnas::compression
