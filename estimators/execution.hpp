#pragma once

#include <span>
#include <vector>

#include "estimators/fusion_rules.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// A layer without a kernel: its output is never needed, known before the input is, or its only
/// term.
inline constexpr int kNotExecuted = -2;

/// What a runtime executes of a network. Layers are indices into network.layers.
struct Execution {
  /// For each layer, the layer whose kernel writes its output: itself; another one that it is fused
  /// with or a view of; ir::kNetworkInput for a view of the input; or kNotExecuted.
  std::vector<int> kernel;
  /// What the layers read, one after the other, those of layer i from begin[i] to begin[i + 1]:
  /// additions without constant terms, and everything without additions of one term.
  std::vector<int> inputs;
  std::vector<int> begin;

  std::span<const int> reads(int layer) const {
    return std::span(inputs).subspan(begin[layer], begin[layer + 1] - begin[layer]);
  }
  bool has_kernel(int layer) const { return kernel[layer] == layer; }
  bool operator==(const Execution&) const = default;
};

/// Zero layers are constants under any rules, and so are sums of constants; what they read is not
/// needed for their sake. Under FusionRule::kConstants so is all that only constants reach. An
/// addition left with one term is that term.
///
/// `network` is one that ir::infer_shapes accepts; layers that nothing reads are allowed.
/// O(layers).
Execution execution(const ir::Network& network, const FusionRules& rules);

}  // namespace hwnas::estimators
