#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "compression/allocation_search.hpp"

namespace hwnas::compression {

namespace {

/// A partial choice: groups that come later in the order are 0.
struct Label {
  std::vector<int> choice;
  std::vector<double> sums;
  std::vector<int> frontier;  ///< what later groups see of it
};

class Layers {
 public:
  Layers(const AllocationModel& model, const AllocationElimination& elimination,
         const LagrangianBound& bound, std::size_t width, std::optional<Incumbent>& incumbent)
      : model_(model),
        elimination_(elimination),
        branching_(model, elimination, bound),
        width_(width),
        incumbent_(incumbent) {}

  BranchResult run() {
    result_.open_bound = std::numeric_limits<double>::infinity();
    branching_.set_incumbent(incumbent_);
    std::vector<Label> labels = {{std::vector<int>(model_.groups()), branching_.start(), {}}};
    for (std::size_t depth = 0; depth < branching_.order().size(); ++depth) {
      labels = extended(labels, depth);
      drop_dominated(labels);
      cut(labels);
    }
    for (const Label& label : labels) offer(label.choice);
    result_.complete = result_.open_bound == std::numeric_limits<double>::infinity();
    return result_;
  }

 private:
  std::vector<Label> extended(const std::vector<Label>& labels, std::size_t depth) {
    const int group = branching_.order()[depth];
    const std::vector<int> frontier = branching_.frontier(depth + 1);
    std::vector<Label> result;
    for (const Label& label : labels) {
      const std::size_t context = elimination_.context(group, label.choice);
      for (int option = 0; option < model_.count(group); ++option) {
        if (label.sums[0] + branching_.lagrangian_step(group, option, context) >=
            branching_.cutoff()) {
          continue;
        }
        ++result_.nodes;
        Label next = label;
        next.choice[group] = option;
        branching_.extend(label.sums.data(), group, option, context, next.choice, next.sums.data());
        if (branching_.is_dead(next.sums.data())) continue;
        next.frontier.clear();
        for (const int seen : frontier) next.frontier.push_back(next.choice[seen]);
        result.push_back(std::move(next));
      }
    }
    return result;
  }

  /// Sums of equal frontiers differ by what was chosen before alone.
  void drop_dominated(std::vector<Label>& labels) const {
    std::ranges::stable_sort(labels, [](const Label& a, const Label& b) {
      return std::tie(a.frontier, a.sums[1]) < std::tie(b.frontier, b.sums[1]);
    });
    // More comparisons find few more with several costs; with one cost the last one kept decides.
    constexpr std::ptrdiff_t kCompared = 64;
    std::vector<Label> kept;
    for (Label& label : labels) {
      const auto count = std::min<std::ptrdiff_t>(kCompared, std::ssize(kept));
      const bool dominated = std::any_of(kept.end() - count, kept.end(), [&](const Label& other) {
        return other.frontier == label.frontier &&
               std::equal(other.sums.begin() + 1, other.sums.end(), label.sums.begin() + 1,
                          [](double a, double b) { return a <= b; });
      });
      if (!dominated) kept.push_back(std::move(label));
    }
    labels = std::move(kept);
  }

  void cut(std::vector<Label>& labels) {
    if (labels.size() <= width_) return;
    std::ranges::stable_sort(labels, {}, [](const Label& label) { return label.sums[0]; });
    result_.open_bound = std::min(result_.open_bound, branching_.bound_of(labels[width_].sums[0]));
    labels.resize(width_);
  }

  void offer(const std::vector<int>& choice) {
    const double objective = model_.sum(0, choice);
    if (!model_.keeps_limits(choice)) return;
    if (!incumbent_ || objective < incumbent_->objective) incumbent_ = Incumbent{choice, objective};
  }

  const AllocationModel& model_;
  const AllocationElimination& elimination_;
  AllocationBranching branching_;
  std::size_t width_;
  std::optional<Incumbent>& incumbent_;
  BranchResult result_;
};

}  // namespace

BranchResult search_by_layers(const AllocationModel& model,
                              const AllocationElimination& elimination,
                              const LagrangianBound& bound, std::size_t width,
                              std::optional<Incumbent>& incumbent) {
  return Layers(model, elimination, bound, width, incumbent).run();
}

}  // namespace hwnas::compression
