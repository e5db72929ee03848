#include "compression/allocation.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "compression/allocation_infeasible.hpp"
#include "compression/allocation_solver.hpp"
#include "core/error.hpp"

namespace hwnas::compression {

namespace {

void require_finite(const std::string& place, const std::vector<double>& values) {
  for (const double value : values) {
    if (!std::isfinite(value)) {
      throw invalid_argument("{} has {}; bit allocation needs finite numbers", place, value);
    }
  }
}

void verify_group(const AllocationGroup& group, std::size_t limits) {
  for (const AllocationOption& option : group.options) {
    const std::string place = fmt::format("option '{}' of group '{}'", option.name, group.name);
    if (option.costs.size() != limits) {
      throw invalid_argument("{} has {} costs, but there are {} limits", place, option.costs.size(),
                             limits);
    }
    require_finite(place, option.costs);
    require_finite(place, {option.objective});
  }
  if (std::ranges::none_of(group.options, &AllocationOption::allowed)) {
    throw invalid_argument(
        "group '{}' has no option that the target allows; add an option, or a kernel to the device",
        group.name);
  }
}

void verify_edge(const AllocationProblem& problem, std::size_t index) {
  const AllocationEdge& edge = problem.edges[index];
  const std::string place = fmt::format("edge {} (groups {} and {})", index, edge.from, edge.to);
  const auto groups = static_cast<int>(problem.groups.size());
  if (std::min(edge.from, edge.to) < 0 || std::max(edge.from, edge.to) >= groups ||
      edge.from == edge.to) {
    throw invalid_argument("{} does not join two of the {} groups", place, groups);
  }
  const std::size_t cells =
      problem.groups[edge.from].options.size() * problem.groups[edge.to].options.size();
  const auto verify_matrix = [&](const std::vector<double>& matrix) {
    if (!matrix.empty() && matrix.size() != cells) {
      throw invalid_argument("{} has a matrix of {} numbers; it must be empty or have {}", place,
                             matrix.size(), cells);
    }
    require_finite(place, matrix);
  };
  verify_matrix(edge.objective);
  for (const std::vector<double>& matrix : edge.costs) verify_matrix(matrix);
  if (!edge.costs.empty() && edge.costs.size() != problem.limits.size()) {
    throw invalid_argument("{} has {} cost matrices, but there are {} limits", place,
                           edge.costs.size(), problem.limits.size());
  }
}

double cell(const std::vector<double>& matrix, std::size_t index) {
  return matrix.empty() ? 0 : matrix[index];
}

}  // namespace

void verify(const AllocationProblem& problem) {
  if (problem.groups.empty()) throw invalid_argument("bit allocation needs at least one group");
  for (const AllocationLimit& limit : problem.limits) {
    require_finite(fmt::format("limit '{}'", limit.name), {limit.limit});
  }
  for (const AllocationGroup& group : problem.groups) verify_group(group, problem.limits.size());
  for (std::size_t i = 0; i < problem.edges.size(); ++i) verify_edge(problem, i);
}

AllocationValue evaluate(const AllocationProblem& problem, const std::vector<int>& choice) {
  if (choice.size() != problem.groups.size()) {
    throw invalid_argument("the choice has {} options for {} groups", choice.size(),
                           problem.groups.size());
  }
  AllocationValue value{.objective = 0, .costs = std::vector<double>(problem.limits.size())};
  for (std::size_t group = 0; group < choice.size(); ++group) {
    const AllocationOption& option =
        problem.groups[group].options.at(static_cast<std::size_t>(choice[group]));
    value.objective += option.objective;
    for (std::size_t k = 0; k < value.costs.size(); ++k) value.costs[k] += option.costs[k];
  }
  for (const AllocationEdge& edge : problem.edges) {
    const std::size_t index =
        static_cast<std::size_t>(choice[edge.from]) * problem.groups[edge.to].options.size() +
        static_cast<std::size_t>(choice[edge.to]);
    value.objective += cell(edge.objective, index);
    for (std::size_t k = 0; k < edge.costs.size(); ++k) {
      value.costs[k] += cell(edge.costs[k], index);
    }
  }
  return value;
}

bool keeps_limits(const AllocationProblem& problem, const AllocationValue& value) {
  for (std::size_t k = 0; k < problem.limits.size(); ++k) {
    const double limit = problem.limits[k].limit;
    if (value.costs[k] > limit + 1e-10 * std::abs(limit)) return false;
  }
  return true;
}

double Allocation::gap() const {
  if (!feasible || optimal) return 0;
  const double difference = value.objective - lower_bound;
  return value.objective == 0 ? difference : difference / std::abs(value.objective);
}

Allocation solve(const AllocationProblem& problem, const SolverBudget& budget) {
  verify(problem);
  const auto start = std::chrono::steady_clock::now();
  const AllocationModel model = make_model(problem);
  Allocation result;
  if (std::vector<ReachableCost> reachable = out_of_reach_alone(problem, model);
      !reachable.empty()) {
    result.reachable = std::move(reachable);
    result.explanation = explain(problem, result.reachable);
  } else {
    result = solve_model(model, budget);
    if (result.feasible) {
      result.value = evaluate(problem, result.choice);
    } else {
      result.reachable = reachable_jointly(problem, model, budget);
      result.explanation = explain(problem, result.reachable);
    }
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace hwnas::compression
