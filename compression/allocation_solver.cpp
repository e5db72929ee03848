#include "compression/allocation_solver.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "compression/allocation_search.hpp"

namespace hwnas::compression {

namespace {

/// Widens and narrows what is left to search until the gap is closed or the budget used up.
class Solver {
 public:
  Solver(AllocationModel model, const SolverBudget& budget)
      : model_(std::move(model)), budget_(budget), start_(std::chrono::steady_clock::now()) {}

  Allocation run() {
    raise_bound();
    result_.root_bound = bound_.value;
    result_.multipliers.assign(bound_.weights.begin() + 1, bound_.weights.end());
    // Most problems end with the first search. Layers with dominance close gaps that depth first
    // does not, where neighbours interact; depth first, those of many costs.
    depth_first(200'000);
    by_layers(500);
    depth_first(5'000'000);
    by_layers(4'000);
    depth_first(budget_.max_nodes);
    return finished();
  }

 private:
  void depth_first(std::int64_t nodes) {
    if (complete_) return;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    const SolverBudget left{.max_nodes = std::min(nodes, budget_.max_nodes - result_.nodes),
                            .max_seconds = budget_.max_seconds - elapsed.count()};
    fix_options();
    note(search_depth_first(model_, *elimination_, bound_, left, incumbent_));
    used_up_ = result_.nodes >= budget_.max_nodes || elapsed.count() > budget_.max_seconds;
  }

  void by_layers(std::size_t width) {
    if (complete_ || used_up_) return;
    fix_options();
    note(search_by_layers(model_, *elimination_, bound_, width, incumbent_));
  }

  void raise_bound() {
    elimination_ = std::make_unique<AllocationElimination>(model_);
    bound_ = maximise_bound(model_, *elimination_, incumbent_);
    lower_bound_ = std::max(lower_bound_, bound_.value);
  }

  void fix_options() {
    constexpr int kRounds = 3;
    for (int round = 0; round < kRounds; ++round) {
      std::optional<AllocationModel> fixed =
          fix_by_reduced_cost(model_, *elimination_, bound_, incumbent_);
      if (!fixed) return;
      model_ = *std::move(fixed);
      elimination_ = std::make_unique<AllocationElimination>(model_);
      bound_ = maximise_bound(model_, *elimination_, incumbent_);
    }
  }

  /// What is fixed or cut off is no better than the incumbent: bounds of the rest hold up to it.
  void note(const BranchResult& search) {
    result_.nodes += search.nodes;
    complete_ = search.complete;
    lower_bound_ = std::max({lower_bound_, bound_.value, search.open_bound});
    if (incumbent_) lower_bound_ = std::min(lower_bound_, incumbent_->objective);
  }

  Allocation finished() {
    result_.feasible = incumbent_.has_value();
    result_.optimal = complete_ && incumbent_.has_value();
    result_.lower_bound = lower_bound_;
    if (incumbent_) result_.choice = problem_choice(model_, incumbent_->choice);
    if (result_.optimal) result_.lower_bound = incumbent_->objective;
    return std::move(result_);
  }

  AllocationModel model_;
  SolverBudget budget_;
  std::chrono::steady_clock::time_point start_;
  std::unique_ptr<AllocationElimination> elimination_;
  LagrangianBound bound_;
  std::optional<Incumbent> incumbent_;
  Allocation result_;
  double lower_bound_ = -std::numeric_limits<double>::infinity();
  bool complete_ = false;
  bool used_up_ = false;
};

}  // namespace

Allocation solve_model(AllocationModel model, const SolverBudget& budget) {
  return Solver(std::move(model), budget).run();
}

}  // namespace hwnas::compression
