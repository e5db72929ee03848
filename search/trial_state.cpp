#include <array>

#include "core/error.hpp"
#include "search/strategy.hpp"

namespace hwnas::search {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"complete", "infeasible", "failed", "stopped"};

}  // namespace

std::string_view to_string(TrialState state) {
  return kNames[static_cast<std::size_t>(state)];
}

TrialState trial_state_from_string(std::string_view text) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<TrialState>(i);
  }
  throw invalid_argument("'{}' is no trial state: expected complete, infeasible, failed or stopped",
                         text);
}

}  // namespace hwnas::search
