#include "compression/allocation_branching.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hwnas::compression {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Choices that differ by less are one to the solver: rounding of the Lagrangian.
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

/// No choice has a larger objective.
double largest_objective(const AllocationModel& model) {
  double sum = 0;
  for (int group = 0; group < model.groups(); ++group) {
    const auto first = model.values[group].begin();
    sum += *std::max_element(first, first + model.count(group));
  }
  for (const AllocationModel::Edge& edge : model.edges) {
    const auto cells = static_cast<std::ptrdiff_t>(model.count(edge.from)) * model.count(edge.to);
    sum += *std::max_element(edge.values.begin(), edge.values.begin() + cells);
  }
  return sum;
}

/// How much worse the second-best option is, in the context where that is least.
double least_regret(const std::vector<double>& reduced, std::size_t options) {
  double regret = kInfinity;
  for (std::size_t start = 0; start < reduced.size(); start += options) {
    double best = kInfinity;
    double second = kInfinity;
    for (std::size_t option = 0; option < options; ++option) {
      const double value = reduced[start + option];
      second = std::min(second, std::max(value, best));
      best = std::min(best, value);
    }
    regret = std::min(regret, second);
  }
  return regret;
}

}  // namespace

AllocationBranching::AllocationBranching(const AllocationModel& model,
                                         const AllocationElimination& elimination,
                                         const LagrangianBound& bound)
    : model_(model), elimination_(elimination), tolerance_(objective_tolerance(model, bound)) {
  for (std::size_t k = 0; k < model.limits.size(); ++k) {
    constant_ += bound.weights[k + 1] * model.limits[k];
  }
  rows_.push_back(elimination.minimise(bound.weights));
  for (int row = 0; row < model.rows(); ++row) {
    std::vector<double> weights(model.rows());
    weights[row] = 1;
    rows_.push_back(elimination.minimise(weights));
  }
  choose_order();
  sort_options();
  set_incumbent(std::nullopt);
}

void AllocationBranching::choose_order() {
  const int groups = model_.groups();
  std::vector<double> regret;
  for (int group = 0; group < groups; ++group) {
    regret.push_back(
        least_regret(rows_.front().reduced[group], static_cast<std::size_t>(model_.count(group))));
  }
  std::vector<bool> placed(groups, false);
  std::vector<int> position(groups);
  for (int step = 0; step < groups; ++step) {
    int next = -1;
    for (int group = 0; group < groups; ++group) {
      const bool ready = !placed[group] && std::ranges::all_of(elimination_.scope(group),
                                                               [&](int s) { return placed[s]; });
      if (ready && (next < 0 || regret[group] > regret[next])) next = group;
    }
    placed[next] = true;
    position[next] = step;
    order_.push_back(next);
  }
  late_edges_.resize(groups);
  for (std::size_t i = 0; i < elimination_.edges_left_out().size(); ++i) {
    const AllocationModel::Edge& edge = model_.edges[elimination_.edges_left_out()[i]];
    const bool from_is_later = position[edge.from] > position[edge.to];
    late_edges_[from_is_later ? edge.from : edge.to].push_back(static_cast<int>(i));
  }
}

void AllocationBranching::sort_options() {
  sorted_.resize(model_.groups());
  for (int group = 0; group < model_.groups(); ++group) {
    const int count = model_.count(group);
    sorted_[group].resize(rows_.front().reduced[group].size());
    for (std::size_t context = 0; context < elimination_.contexts(group); ++context) {
      const auto first = sorted_[group].begin() + static_cast<std::ptrdiff_t>(context) * count;
      std::iota(first, first + count, 0);
      std::stable_sort(first, first + count, [&](int a, int b) {
        return lagrangian_step(group, a, context) < lagrangian_step(group, b, context);
      });
    }
  }
}

std::vector<double> AllocationBranching::start() const {
  std::vector<double> sums;
  for (const Table& row : rows_) sums.push_back(row.minimum);
  return sums;
}

void AllocationBranching::extend(const double* sums, int group, int option, std::size_t context,
                                 const std::vector<int>& choice, double* extended) const {
  const std::size_t cell =
      context * static_cast<std::size_t>(model_.count(group)) + static_cast<std::size_t>(option);
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    extended[r] = sums[r] + rows_[r].reduced[group][cell];
    for (const int e : late_edges_[group]) extended[r] += left_out(rows_[r], e, choice);
  }
}

double AllocationBranching::left_out(const Table& table, int edge,
                                     const std::vector<int>& choice) const {
  const auto& [from, to, values] = model_.edges[elimination_.edges_left_out()[edge]];
  return table.left_out[edge][static_cast<std::size_t>(choice[from]) * model_.count(to) +
                              static_cast<std::size_t>(choice[to])];
}

bool AllocationBranching::is_dead(const double* sums) const {
  if (sums[0] >= cutoff_ || sums[1] >= objective_cutoff_) return true;
  for (std::size_t k = 0; k < model_.limits.size(); ++k) {
    if (sums[k + 2] > model_.limits[k] + model_.slack[k]) return true;
  }
  return false;
}

void AllocationBranching::set_incumbent(const std::optional<Incumbent>& incumbent) {
  // Where limits contradict each other the Lagrangian bound exceeds every objective.
  objective_cutoff_ =
      incumbent ? incumbent->objective - tolerance_ : largest_objective(model_) + tolerance_;
  cutoff_ = objective_cutoff_ + constant_;
}

std::vector<int> AllocationBranching::frontier(std::size_t depth) const {
  std::vector<bool> wanted(model_.groups(), false);
  for (std::size_t i = depth; i < order_.size(); ++i) {
    for (const int group : elimination_.scope(order_[i])) wanted[group] = true;
    for (const int e : late_edges_[order_[i]]) {
      const AllocationModel::Edge& edge = model_.edges[elimination_.edges_left_out()[e]];
      wanted[edge.from == order_[i] ? edge.to : edge.from] = true;
    }
  }
  std::vector<int> result;
  for (std::size_t i = 0; i < depth; ++i) {
    if (wanted[order_[i]]) result.push_back(order_[i]);
  }
  return result;
}

}  // namespace hwnas::compression
