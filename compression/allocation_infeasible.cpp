#include "compression/allocation_infeasible.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "compression/allocation_elimination.hpp"
#include "compression/allocation_solver.hpp"

namespace hwnas::compression {

namespace {

ReachableCost reachable_alone(const AllocationProblem& problem, const AllocationModel& model,
                              const AllocationElimination& elimination, std::size_t limit) {
  std::vector<double> weights(model.rows());
  weights[limit + 1] = 1;
  const AllocationElimination::Table table = elimination.minimise(weights);
  const std::vector<int> choice = elimination.argmin(table);
  const auto share = [&](int group) {
    return model.value(group, static_cast<int>(limit) + 1, choice[group]);
  };
  std::vector<int> groups(model.groups());
  std::iota(groups.begin(), groups.end(), 0);
  std::ranges::stable_sort(groups, [&](int a, int b) { return share(a) > share(b); });
  groups.resize(std::min<std::size_t>(groups.size(), 3));
  return {.limit_name = problem.limits[limit].name,
          .limit = problem.limits[limit].limit,
          .smallest = table.minimum,
          .smallest_jointly = table.minimum,
          .binding_groups = groups};
}

/// The problem of making one cost least within the other limits.
AllocationProblem without_limit(const AllocationProblem& problem, std::size_t limit) {
  AllocationProblem result = problem;
  const auto at = static_cast<std::ptrdiff_t>(limit);
  result.limits.erase(result.limits.begin() + at);
  for (AllocationGroup& group : result.groups) {
    for (AllocationOption& option : group.options) {
      option.objective = option.costs[limit];
      option.costs.erase(option.costs.begin() + at);
    }
  }
  for (AllocationEdge& edge : result.edges) {
    edge.objective = edge.costs.empty() ? std::vector<double>{} : edge.costs[limit];
    if (!edge.costs.empty()) edge.costs.erase(edge.costs.begin() + at);
  }
  return result;
}

std::string groups_of(const AllocationProblem& problem, const ReachableCost& cost) {
  std::vector<std::string> names;
  for (const int group : cost.binding_groups) names.push_back(problem.groups[group].name);
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

std::vector<ReachableCost> out_of_reach_alone(const AllocationProblem& problem,
                                              const AllocationModel& model) {
  const AllocationElimination elimination(model);
  std::vector<ReachableCost> result;
  for (std::size_t limit = 0; limit < problem.limits.size(); ++limit) {
    ReachableCost cost = reachable_alone(problem, model, elimination, limit);
    if (cost.smallest > cost.limit + model.slack[limit]) result.push_back(std::move(cost));
  }
  return result;
}

std::vector<ReachableCost> reachable_jointly(const AllocationProblem& problem,
                                             const AllocationModel& model,
                                             const SolverBudget& budget) {
  const AllocationElimination elimination(model);
  const SolverBudget share{.max_nodes = budget.max_nodes / 10,
                           .max_seconds = budget.max_seconds / 10};
  std::vector<ReachableCost> result;
  for (std::size_t limit = 0; limit < problem.limits.size(); ++limit) {
    ReachableCost cost = reachable_alone(problem, model, elimination, limit);
    if (problem.limits.size() > 1) {
      const Allocation least = solve_model(make_model(without_limit(problem, limit)), share);
      if (std::isfinite(least.lower_bound)) {
        cost.smallest_jointly = std::max(cost.smallest, least.lower_bound);
      }
    }
    result.push_back(std::move(cost));
  }
  return result;
}

std::string explain(const AllocationProblem& problem, const std::vector<ReachableCost>& reachable) {
  const bool proven = std::ranges::any_of(
      reachable, [](const ReachableCost& cost) { return cost.smallest_jointly > cost.limit; });
  std::vector<std::string> parts;
  for (const ReachableCost& cost : reachable) {
    if (proven && cost.smallest_jointly <= cost.limit) continue;
    const bool jointly = cost.smallest_jointly > cost.smallest;
    parts.push_back(fmt::format("{} can be {:.6g} at least{}, the limit is {:.6g} (most of it: {})",
                                cost.limit_name, cost.smallest_jointly,
                                jointly ? " with the other limits kept" : "", cost.limit,
                                groups_of(problem, cost)));
  }
  return fmt::format(
      "{}: {}; raise a limit or allow smaller options",
      proven ? "no choice keeps the limits" : "no choice was found that keeps the limits together",
      fmt::join(parts, "; "));
}

}  // namespace hwnas::compression
