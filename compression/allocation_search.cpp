#include "compression/allocation_search.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>

namespace hwnas::compression {

namespace {

using Table = AllocationElimination::Table;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A weighted sum of rows whose least value over the groups that are left is always at hand.
struct Row {
  Table table;
  double threshold = 0;  ///< above it a branch is dead
};

class Search {
 public:
  Search(const AllocationModel& model, const AllocationElimination& elimination,
         const LagrangianBound& bound, const SolverBudget& budget,
         std::optional<Incumbent>& incumbent)
      : model_(model),
        elimination_(elimination),
        budget_(budget),
        incumbent_(incumbent),
        tolerance_(objective_tolerance(model, bound)),
        start_(std::chrono::steady_clock::now()) {
    double constant = 0;
    for (std::size_t k = 0; k < model.limits.size(); ++k) {
      constant += bound.weights[k + 1] * model.limits[k];
    }
    constant_ = constant;
    rows_.push_back({elimination.minimise(bound.weights), 0});
    // With all multipliers 0 the Lagrangian is the objective already.
    for (int row = 0; row < model.rows(); ++row) {
      if (row == 0 && constant == 0) continue;
      std::vector<double> weights(model.rows());
      weights[row] = 1;
      rows_.push_back({elimination.minimise(weights),
                       row == 0 ? kInfinity : model.limits[row - 1] + model.slack[row - 1]});
    }
    objective_row_ = constant == 0 ? -1 : 1;
    choose_order();
    sort_options();
  }

  BranchResult run() {
    result_.open_bound = kInfinity;
    update_cutoff();
    std::vector<double> sums;
    for (const Row& row : rows_) sums.push_back(row.table.minimum);
    if (!is_dead(sums)) branch(0, sums);
    result_.complete = !stopped_;
    return result_;
  }

 private:
  /// Groups after their scopes; first those whose second-best option is worst, where wrong branches
  /// end soonest.
  void choose_order() {
    const int groups = model_.groups();
    std::vector<double> priority(groups, kInfinity);
    for (int group = 0; group < groups; ++group) {
      const std::vector<double>& reduced = rows_.front().table.reduced[group];
      const auto count = static_cast<std::size_t>(model_.count(group));
      for (std::size_t context = 0; context < elimination_.contexts(group); ++context) {
        double best = kInfinity;
        double second = kInfinity;
        for (std::size_t option = 0; option < count; ++option) {
          const double value = reduced[context * count + option];
          if (value < best)
            std::swap(second, best), best = value;
          else
            second = std::min(second, value);
        }
        priority[group] = std::min(priority[group], second);
      }
    }
    std::vector<bool> placed(groups, false);
    for (int step = 0; step < groups; ++step) {
      int next = -1;
      for (int group = 0; group < groups; ++group) {
        const bool ready = !placed[group] && std::ranges::all_of(elimination_.scope(group),
                                                                 [&](int s) { return placed[s]; });
        if (ready && (next < 0 || priority[group] > priority[next])) next = group;
      }
      placed[next] = true;
      order_.push_back(next);
    }
    // An edge left out is added where the later of its ends is chosen.
    late_edges_.resize(groups);
    std::vector<int> position(groups);
    for (int i = 0; i < groups; ++i) position[order_[i]] = i;
    for (std::size_t i = 0; i < elimination_.edges_left_out().size(); ++i) {
      const AllocationModel::Edge& edge = model_.edges[elimination_.edges_left_out()[i]];
      late_edges_[position[edge.from] > position[edge.to] ? edge.from : edge.to].push_back(
          static_cast<int>(i));
    }
  }

  void sort_options() {
    sorted_.resize(model_.groups());
    for (int group = 0; group < model_.groups(); ++group) {
      const std::vector<double>& reduced = rows_.front().table.reduced[group];
      const int count = model_.count(group);
      sorted_[group].resize(reduced.size());
      for (std::size_t context = 0; context < elimination_.contexts(group); ++context) {
        const auto first = sorted_[group].begin() + static_cast<std::ptrdiff_t>(context) * count;
        std::iota(first, first + count, 0);
        std::stable_sort(first, first + count, [&](int a, int b) {
          return reduced[context * count + a] < reduced[context * count + b];
        });
      }
    }
    choice_.resize(model_.groups());
  }

  void update_cutoff() {
    const double best = incumbent_ ? incumbent_->objective : kInfinity;
    rows_.front().threshold = best + constant_ - tolerance_;
    if (objective_row_ >= 0) rows_[objective_row_].threshold = best - tolerance_;
  }

  bool is_dead(const std::vector<double>& sums) const {
    if (sums.front() >= rows_.front().threshold) return true;
    for (std::size_t i = 1; i < rows_.size(); ++i) {
      if (sums[i] > rows_[i].threshold) return true;
    }
    return false;
  }

  bool out_of_budget() {
    if (result_.nodes >= budget_.max_nodes) return true;
    if (result_.nodes % 4096 != 0) return false;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
    return elapsed.count() > budget_.max_seconds;
  }

  void branch(int depth, const std::vector<double>& sums) {
    if (depth == model_.groups()) return offer();
    const int group = order_[depth];
    const auto count = static_cast<std::size_t>(model_.count(group));
    const std::size_t offset = elimination_.context(group, choice_) * count;
    std::vector<double> next(sums.size());
    for (std::size_t i = 0; i < count; ++i) {
      const int option = sorted_[group][offset + i];
      if (sums.front() + rows_.front().table.reduced[group][offset + option] >=
          rows_.front().threshold) {
        break;
      }
      ++result_.nodes;
      if (stopped_ || out_of_budget()) {
        stopped_ = true;
        const double reduced = rows_.front().table.reduced[group][offset + option];
        result_.open_bound = std::min(result_.open_bound, sums.front() + reduced - constant_);
        return;
      }
      choice_[group] = option;
      for (std::size_t r = 0; r < rows_.size(); ++r) {
        next[r] = sums[r] + rows_[r].table.reduced[group][offset + option];
        for (const int e : late_edges_[group]) next[r] += left_out(rows_[r].table, e);
      }
      if (!is_dead(next)) branch(depth + 1, next);
    }
  }

  double left_out(const Table& table, int e) const {
    const AllocationModel::Edge& edge = model_.edges[elimination_.edges_left_out()[e]];
    return table.left_out[e][static_cast<std::size_t>(choice_[edge.from]) * model_.count(edge.to) +
                             static_cast<std::size_t>(choice_[edge.to])];
  }

  void offer() {
    const double objective = model_.sum(0, choice_);
    if (!model_.keeps_limits(choice_)) return;
    if (incumbent_ && objective >= incumbent_->objective) return;
    incumbent_ = Incumbent{choice_, objective};
    update_cutoff();
  }

  const AllocationModel& model_;
  const AllocationElimination& elimination_;
  const SolverBudget& budget_;
  std::optional<Incumbent>& incumbent_;
  double tolerance_;
  std::chrono::steady_clock::time_point start_;
  std::vector<Row> rows_;  ///< the Lagrangian, the objective, the costs
  double constant_ = 0;    ///< what the Lagrangian's sums are over the bound
  int objective_row_ = -1;
  std::vector<int> order_;
  std::vector<std::vector<int>> late_edges_;
  std::vector<std::vector<int>> sorted_;  ///< by group, contexts x options
  std::vector<int> choice_;
  BranchResult result_;
  bool stopped_ = false;
};

}  // namespace

double objective_tolerance(const AllocationModel& model, const LagrangianBound& bound) {
  double scale = 0;
  for (int group = 0; group < model.groups(); ++group) {
    double largest = 0;
    for (int option = 0; option < model.count(group); ++option) {
      largest = std::max(largest, std::abs(model.value(group, 0, option)));
    }
    scale += largest;
  }
  for (std::size_t k = 0; k < model.limits.size(); ++k) {
    scale += bound.weights[k + 1] * std::abs(model.limits[k]);
  }
  return 1e-13 * scale;
}

BranchResult branch_and_bound(const AllocationModel& model,
                              const AllocationElimination& elimination,
                              const LagrangianBound& bound, const SolverBudget& budget,
                              std::optional<Incumbent>& incumbent) {
  return Search(model, elimination, bound, budget, incumbent).run();
}

std::optional<AllocationModel> fix_by_reduced_cost(const AllocationModel& model,
                                                   const AllocationElimination& elimination,
                                                   const LagrangianBound& bound,
                                                   std::optional<Incumbent>& incumbent) {
  if (!incumbent) return std::nullopt;
  const Table table = elimination.minimise(bound.weights);
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
