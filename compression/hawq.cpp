#include "compression/hawq.hpp"

#include <algorithm>

#include "compression/unlimited_bound.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

bool has_bits(const AllocationOption& option, int bits) {
  return option.weight_bits == bits && option.activation_bits == bits;
}

/// Leaves the options that HAWQ-V3 knows.
void restrict_options(AllocationGroup& group) {
  const auto leave = [&](auto known) {
    const auto usable = [&](const AllocationOption& option) {
      return option.allowed && known(option);
    };
    if (std::ranges::none_of(group.options, usable)) return;
    for (AllocationOption& option : group.options) option.allowed = usable(option);
  };
  const bool has_w4a4 = std::ranges::any_of(group.options, [](const AllocationOption& option) {
    return option.allowed && has_bits(option, 4);
  });
  if (has_w4a4) {
    leave(
        [](const AllocationOption& option) { return has_bits(option, 4) || has_bits(option, 8); });
  } else {
    leave([](const AllocationOption& option) {
      return option.weight_bits == 4 || option.weight_bits == 8;
    });
  }
}

void require_size(const AllocationProblem& problem,
                  const std::vector<std::vector<double>>& hessian) {
  bool fits = hessian.size() == problem.groups.size();
  for (std::size_t g = 0; fits && g < hessian.size(); ++g) {
    fits = hessian[g].size() == problem.groups[g].options.size();
  }
  if (!fits) {
    throw invalid_argument("HAWQ-V3 needs one number for each of the {} groups' options",
                           problem.groups.size());
  }
}

}  // namespace

Allocation allocate_hawq_v3(const AllocationProblem& problem,
                            const std::vector<std::vector<double>>& hessian,
                            const SolverBudget& budget) {
  verify(problem);
  AllocationProblem own = problem;
  if (!hessian.empty()) require_size(problem, hessian);
  for (std::size_t g = 0; g < own.groups.size(); ++g) {
    for (std::size_t o = 0; o < own.groups[g].options.size() && !hessian.empty(); ++o) {
      own.groups[g].options[o].objective = hessian[g][o];
    }
    restrict_options(own.groups[g]);
  }
  for (AllocationEdge& edge : own.edges) edge.objective.clear();
  Allocation result = solve(own, budget);
  result.optimal = false;
  result.lower_bound = result.root_bound = unlimited_bound(problem);
  result.multipliers.assign(problem.limits.size(), 0);
  if (result.feasible) result.value = evaluate(problem, result.choice);
  return result;
}

}  // namespace hwnas::compression
