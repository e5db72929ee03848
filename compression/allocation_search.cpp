#include "compression/allocation_search.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

namespace hwnas::compression {

namespace {

class DepthFirst {
 public:
  DepthFirst(const AllocationModel& model, const AllocationElimination& elimination,
             const LagrangianBound& bound, const SolverBudget& budget,
             std::optional<Incumbent>& incumbent)
      : model_(model),
        elimination_(elimination),
        branching_(model, elimination, bound),
        budget_(budget),
        incumbent_(incumbent),
        choice_(model.groups()),
        sums_((model.groups() + 1) * branching_.rows()),
        start_(std::chrono::steady_clock::now()) {}

  BranchResult run() {
    result_.open_bound = std::numeric_limits<double>::infinity();
    branching_.set_incumbent(incumbent_);
    std::ranges::copy(branching_.start(), sums_.begin());
    if (!branching_.is_dead(sums_.data())) branch(0);
    result_.complete = !stopped_;
    return result_;
  }

 private:
  bool out_of_budget() const {
    if (result_.nodes >= budget_.max_nodes) return true;
    if (result_.nodes % 4096 != 0) return false;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    return elapsed.count() > budget_.max_seconds;
  }

  void branch(std::size_t depth) {
    if (depth == choice_.size()) return offer();
    const int group = branching_.order()[depth];
    const std::size_t context = elimination_.context(group, choice_);
    const int* const options = branching_.sorted_options(group, context);
    const double* const sums = &sums_[depth * branching_.rows()];
    double* const next = &sums_[(depth + 1) * branching_.rows()];
    for (int i = 0; i < model_.count(group); ++i) {
      const double lagrangian = sums[0] + branching_.lagrangian_step(group, options[i], context);
      if (lagrangian >= branching_.cutoff()) return;
      ++result_.nodes;
      stopped_ = stopped_ || out_of_budget();
      if (stopped_) {
        result_.open_bound = std::min(result_.open_bound, branching_.bound_of(lagrangian));
        return;
      }
      choice_[group] = options[i];
      branching_.extend(sums, group, options[i], context, choice_, next);
      if (!branching_.is_dead(next)) branch(depth + 1);
    }
  }

  void offer() {
    const double objective = model_.sum(0, choice_);
    if (!model_.keeps_limits(choice_)) return;
    if (incumbent_ && objective >= incumbent_->objective) return;
    incumbent_ = Incumbent{choice_, objective};
    branching_.set_incumbent(incumbent_);
  }

  const AllocationModel& model_;
  const AllocationElimination& elimination_;
  AllocationBranching branching_;
  const SolverBudget& budget_;
  std::optional<Incumbent>& incumbent_;
  std::vector<int> choice_;
  std::vector<double> sums_;  ///< by depth
  std::chrono::steady_clock::time_point start_;
  BranchResult result_;
  bool stopped_ = false;
};

}  // namespace

BranchResult search_depth_first(const AllocationModel& model,
                                const AllocationElimination& elimination,
                                const LagrangianBound& bound, const SolverBudget& budget,
                                std::optional<Incumbent>& incumbent) {
  return DepthFirst(model, elimination, bound, budget, incumbent).run();
}

std::optional<AllocationModel> fix_by_reduced_cost(const AllocationModel& model,
                                                   const AllocationElimination& elimination,
                                                   const LagrangianBound& bound,
                                                   std::optional<Incumbent>& incumbent) {
  if (!incumbent) return std::nullopt;
  const AllocationElimination::Table table = elimination.minimise(bound.weights);
  const double gap = incumbent->objective - bound.value;
  std::vector<std::vector<bool>> keep;
  bool any_fixed = false;
  for (int group = 0; group < model.groups(); ++group) {
    const auto count = static_cast<std::size_t>(model.count(group));
    std::vector<bool>& mine = keep.emplace_back(count, false);
    for (std::size_t option = 0; option < count; ++option) {
      for (std::size_t c = 0; c < elimination.contexts(group) && !mine[option]; ++c) {
        mine[option] = table.reduced[group][c * count + option] < gap;
      }
    }
    // The incumbent stays a choice of the model.
    mine[incumbent->choice[group]] = true;
    any_fixed = any_fixed || std::ranges::count(mine, false) > 0;
  }
  if (!any_fixed) return std::nullopt;
  for (int group = 0; group < model.groups(); ++group) {
    int& option = incumbent->choice[group];
    option = static_cast<int>(std::count(keep[group].begin(), keep[group].begin() + option, true));
  }
  return restricted(model, keep);
}

}  // namespace hwnas::compression
