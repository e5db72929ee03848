#include "compression/allocation_solver.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "compression/allocation_search.hpp"

namespace hwnas::compression {

Allocation solve_model(AllocationModel model, const SolverBudget& budget) {
  std::optional<Incumbent> incumbent;
  auto elimination = std::make_unique<AllocationElimination>(model);
  LagrangianBound bound = maximise_bound(model, *elimination, incumbent);
  Allocation result;
  result.root_bound = bound.value;
  result.multipliers.assign(bound.weights.begin() + 1, bound.weights.end());
  constexpr int kFixingRounds = 3;
  for (int round = 0; round < kFixingRounds; ++round) {
    std::optional<AllocationModel> fixed =
        fix_by_reduced_cost(model, *elimination, bound, incumbent);
    if (!fixed) break;
    model = *std::move(fixed);
    elimination = std::make_unique<AllocationElimination>(model);
    bound = maximise_bound(model, *elimination, incumbent);
  }
  const BranchResult search = branch_and_bound(model, *elimination, bound, budget, incumbent);
  result.nodes = search.nodes;
  result.optimal = search.complete && incumbent.has_value();
  result.feasible = incumbent.has_value();
  result.lower_bound = std::max(bound.value, search.open_bound);
  if (!incumbent) return result;
  result.choice = problem_choice(model, incumbent->choice);
  result.lower_bound =
      std::min(search.complete ? incumbent->objective : result.lower_bound, incumbent->objective);
  return result;
}

}  // namespace hwnas::compression
