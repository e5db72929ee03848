#pragma once

#include <optional>
#include <vector>

#include "compression/allocation_bound.hpp"

namespace hwnas::compression {

/// What a search over partial choices needs: an order of the groups, and for each row (the
/// Lagrangian, then objective and costs) the least sum that the groups chosen so far allow.
class AllocationBranching {
 public:
  AllocationBranching(const AllocationModel& model, const AllocationElimination& elimination,
                      const LagrangianBound& bound);

  /// Groups after their scopes; first those whose second-best option is worst, where wrong branches
  /// end soonest.
  const std::vector<int>& order() const { return order_; }
  /// Options of a group in the order of their reduced costs where its scope has chosen `context`.
  const int* sorted_options(int group, std::size_t context) const {
    return &sorted_[group][context * static_cast<std::size_t>(model_.count(group))];
  }

  /// Least sums before anything is chosen: first the Lagrangian's.
  std::vector<double> start() const;
  /// Least sums once `group` takes `option`; `choice` holds that and everything chosen before.
  void extend(const double* sums, int group, int option, std::size_t context,
              const std::vector<int>& choice, double* extended) const;
  /// By how much the Lagrangian grows in that; the first row of extend without edges left out.
  double lagrangian_step(int group, int option, std::size_t context) const {
    return rows_.front().reduced[group][context * static_cast<std::size_t>(model_.count(group)) +
                                        static_cast<std::size_t>(option)];
  }
  std::size_t rows() const { return rows_.size(); }

  /// Least objective that a first row's sum stands for.
  double bound_of(double lagrangian) const { return lagrangian - constant_; }
  /// True if no choice that completes the sums keeps the limits and is better than the incumbent
  /// (or keeps them at all, if there is none).
  bool is_dead(const double* sums) const;
  /// Above it the first row alone is dead.
  double cutoff() const { return cutoff_; }
  void set_incumbent(const std::optional<Incumbent>& incumbent);

  /// Groups among the first `depth` of the order that later ones look back at.
  std::vector<int> frontier(std::size_t depth) const;

 private:
  using Table = AllocationElimination::Table;

  void choose_order();
  void sort_options();
  double left_out(const Table& table, int edge, const std::vector<int>& choice) const;

  const AllocationModel& model_;
  const AllocationElimination& elimination_;
  std::vector<Table> rows_;
  double constant_ = 0;  ///< multipliers times limits
  double tolerance_ = 0;
  double cutoff_ = 0;
  double objective_cutoff_ = 0;
  std::vector<int> order_;
  std::vector<std::vector<int>> late_edges_;  ///< by group: edges left out that end in it
  std::vector<std::vector<int>> sorted_;      ///< by group, contexts x options
};

}  // namespace hwnas::compression
