#include "estimators/fusion_rules.hpp"

#include <array>

namespace hwnas::estimators {

std::span<const std::string_view> fusion_rule_names() {
  static constexpr std::array<std::string_view, 12> kNames = {
      "conv+batch_norm", "conv+clamp", "conv+activation", "conv+add",
      "add+clamp",       "mul+clamp",  "concat+clamp",    "pool+clamp",
      "pad+conv",        "flatten",    "dead_operators",  "constants"};
  return kNames;
}

}  // namespace hwnas::estimators
