#include "ir/network.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::ir {

namespace {

std::string_view activation_name(ActivationKind kind) {
  switch (kind) {
    case ActivationKind::kRelu:
      return "relu";
    case ActivationKind::kRelu6:
      return "relu6";
    case ActivationKind::kHardSwish:
      return "hard_swish";
    case ActivationKind::kHardSigmoid:
      return "hard_sigmoid";
    case ActivationKind::kSigmoid:
      return "sigmoid";
  }
  return "activation";
}

}  // namespace

std::string_view operator_name(const Operator& op) {
  using Name = std::string_view;
  return std::visit(
      overloaded{
          [](const Conv2d&) -> Name { return "conv2d"; },
          [](const Linear&) -> Name { return "linear"; },
          [](const BatchNorm&) -> Name { return "batch_norm"; },
          [](const Activation& activation) -> Name { return activation_name(activation.kind); },
          [](const Add&) -> Name { return "add"; },
          [](const Mul&) -> Name { return "mul"; },
          [](const Concat&) -> Name { return "concat"; },
          [](const Pool& pool) -> Name {
            return pool.kind == PoolKind::kMax ? "max_pool" : "average_pool";
          },
          [](const GlobalAveragePool&) -> Name { return "global_average_pool"; },
          [](const Flatten&) -> Name { return "flatten"; },
          [](const Softmax&) -> Name { return "softmax"; },
          [](const Pad&) -> Name { return "pad"; },
          [](const Zero&) -> Name { return "zero"; },
      },
      op);
}

}  // namespace hwnas::ir
