#include "estimators/execution.hpp"

#include <algorithm>

#include "estimators/fusion.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kConstant = kNotExecuted;

/// Finds what each layer reads, then what is needed, then whose kernel writes it.
class Analysis {
 public:
  Analysis(const ir::Network& network, const FusionRules& rules)
      : layers_(network.layers),
        rules_(rules),
        readers_(layers_.size()),
        stand_in_(layers_.size()) {
    result_.kernel.resize(layers_.size());
    result_.begin.reserve(layers_.size() + 1);
    result_.inputs.reserve(2 * layers_.size());
  }

  Execution run() {
    for (std::size_t i = 0; i < layers_.size(); ++i) resolve(static_cast<int>(i));
    result_.begin.push_back(static_cast<int>(result_.inputs.size()));
    find_needed();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (needed_[i]) result_.kernel[i] = kernel_of(static_cast<int>(i));
    }
    if (rules_.has(FusionRule::kPadConv)) fuse_padding();
    return std::move(result_);
  }

 private:
  int stand_in(int input) const { return input == ir::kNetworkInput ? input : stand_in_[input]; }

  /// What the layer reads, and what stands for its output: itself, its only term, or a constant.
  void resolve(int index) {
    const ir::Layer& layer = layers_[index];
    const bool is_sum = std::holds_alternative<ir::Add>(layer.op);
    const auto begin = static_cast<std::ptrdiff_t>(result_.inputs.size());
    result_.begin.push_back(static_cast<int>(begin));
    bool all_constant = true;
    for (const int input : layer.inputs) {
      const int source = stand_in(input);
      all_constant &= source == kConstant;
      // What reads a constant otherwise than as a term reads it from memory, as any input.
      if (source != kConstant) {
        result_.inputs.push_back(source);
      } else if (!is_sum) {
        result_.inputs.push_back(input);
      }
    }
    stand_in_[index] = index;
    const bool is_output = index + 1 == static_cast<int>(layers_.size());
    if (is_output && all_constant) return;
    if (std::holds_alternative<ir::Zero>(layer.op) ||
        (all_constant && (is_sum || rules_.has(FusionRule::kConstants)))) {
      result_.inputs.erase(result_.inputs.begin() + begin, result_.inputs.end());
      stand_in_[index] = kConstant;
    } else if (is_sum && layer.inputs.size() > 1 &&
               static_cast<std::ptrdiff_t>(result_.inputs.size()) == begin + 1) {
      stand_in_[index] = result_.inputs.back();
    }
  }

  bool is_kernel_candidate(int index) const { return stand_in_[index] == index; }

  void find_needed() {
    const bool all = !rules_.has(FusionRule::kDeadOperators);
    needed_.assign(layers_.size(), all);
    if (const int output = stand_in_.back(); output >= 0) needed_[output] = true;
    for (std::size_t i = layers_.size(); i-- > 0;) {
      needed_[i] = needed_[i] && is_kernel_candidate(static_cast<int>(i));
      if (!needed_[i]) {
        result_.kernel[i] = kNotExecuted;
        continue;
      }
      for (const int input : result_.reads(static_cast<int>(i))) {
        if (input == ir::kNetworkInput || !is_kernel_candidate(input)) continue;
        needed_[input] = true;
        ++readers_[input];
      }
    }
  }

  int kernel_of(int index) const {
    const ir::Operator& op = layers_[index].op;
    const std::span<const int> reads = result_.reads(index);
    if (reads.empty()) return index;
    if (std::holds_alternative<ir::Add>(op)) {
      if (!rules_.has(FusionRule::kConvAdd)) return index;
      const int last = *std::max_element(reads.begin(), reads.end());
      return is_alone_read(last) && ends_in_convolution(last) ? result_.kernel[last] : index;
    }
    const int producer = reads.front();
    const bool from_layer = producer != ir::kNetworkInput && is_kernel_candidate(producer);
    if (std::holds_alternative<ir::Flatten>(op) && rules_.has(FusionRule::kFlatten)) {
      if (producer == ir::kNetworkInput) return ir::kNetworkInput;
      return from_layer ? result_.kernel[producer] : index;
    }
    const bool fused =
        from_layer && is_alone_read(producer) && fuses_into(op, layers_[producer].op, rules_);
    return fused ? result_.kernel[producer] : index;
  }

  bool is_alone_read(int index) const { return index >= 0 && readers_[index] == 1; }

  bool ends_in_convolution(int index) const {
    const int kernel = result_.kernel[index];
    const bool plain = !std::holds_alternative<ir::Activation>(layers_[index].op);
    return plain && kernel >= 0 && std::holds_alternative<ir::Conv2d>(layers_[kernel].op);
  }

  void fuse_padding() {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (!std::holds_alternative<ir::Conv2d>(layers_[i].op) || result_.kernel[i] < 0) continue;
      const int pad = result_.reads(static_cast<int>(i)).front();
      if (is_alone_read(pad) && std::holds_alternative<ir::Pad>(layers_[pad].op)) {
        result_.kernel[pad] = static_cast<int>(i);
      }
    }
  }

  const std::vector<ir::Layer>& layers_;
  const FusionRules& rules_;
  Execution result_;
  std::vector<int> readers_;
  std::vector<int> stand_in_;
  std::vector<char> needed_;
};

}  // namespace

Execution execution(const ir::Network& network, const FusionRules& rules) {
  return Analysis(network, rules).run();
}

}  // namespace hwnas::estimators
