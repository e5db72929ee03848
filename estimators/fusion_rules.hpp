#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

namespace hwnas::estimators {

/// What a runtime may do to a graph before it executes it. "conv" stands for convolutions of any
/// kind and linear layers; "clamp" for relu and relu6. `a+b` puts b into a's kernel if nothing else
/// reads what lies between them.
enum class FusionRule : std::uint8_t {
  kConvBatchNorm,   ///< "conv+batch_norm", also a batch norm after one that is folded already
  kConvClamp,       ///< "conv+clamp", also after a batch norm of its own
  kConvActivation,  ///< "conv+activation": any other activation
  kConvAdd,         ///< "conv+add": the sum is written by the last convolution that it reads
  kAddClamp,        ///< "add+clamp"
  kMulClamp,        ///< "mul+clamp"
  kConcatClamp,     ///< "concat+clamp"
  kPoolClamp,       ///< "pool+clamp"
  kPadConv,         ///< "pad+conv": explicit padding by the convolution that alone reads it
  kFlatten,         ///< "flatten": a view of what it reads, where it would be a copy
  kDeadOperators,   ///< "dead_operators": what cannot reach the output is not executed
  kConstants,       ///< "constants": what the input cannot reach is computed beforehand
};

/// A set of rules.
class FusionRules {
 public:
  /// Of compiling runtimes: all but conv+activation, conv+add, pad+conv and constants.
  constexpr FusionRules()
      : FusionRules({FusionRule::kConvBatchNorm, FusionRule::kConvClamp, FusionRule::kAddClamp,
                     FusionRule::kMulClamp, FusionRule::kConcatClamp, FusionRule::kPoolClamp,
                     FusionRule::kFlatten, FusionRule::kDeadOperators}) {}
  constexpr FusionRules(std::initializer_list<FusionRule> rules) {
    for (const FusionRule rule : rules) *this = with(rule);
  }

  constexpr bool has(FusionRule rule) const { return (bits_ & bit(rule)) != 0; }
  constexpr FusionRules with(FusionRule rule) const { return FusionRules(bits_ | bit(rule)); }
  constexpr FusionRules without(FusionRule rule) const { return FusionRules(bits_ & ~bit(rule)); }
  constexpr bool operator==(const FusionRules&) const = default;

 private:
  constexpr explicit FusionRules(std::uint32_t bits) : bits_(bits) {}
  static constexpr std::uint32_t bit(FusionRule rule) {
    return std::uint32_t{1} << static_cast<std::uint32_t>(rule);
  }

  std::uint32_t bits_ = 0;
};

/// The names of all rules, in the order of FusionRule.
std::span<const std::string_view> fusion_rule_names();

}  // namespace hwnas::estimators
