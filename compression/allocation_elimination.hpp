#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <vector>

#include "compression/allocation_model.hpp"

namespace hwnas::compression {

/// Minimises weighted sums of a model's rows exactly by eliminating one group after the other
/// (nonserial dynamic programming, Bertelè and Brioschi 1972): the least over a group is tabled for
/// every combination of its `scope`, the groups that it is tied to and that are eliminated later.
/// On a chain this is Viterbi's algorithm; without edges every scope is empty.
///
/// Where a table would exceed kMaxTableSize, edges are left out: their least values by option of
/// either end are counted, the rest (never negative) is not, so that sums become lower bounds.
class AllocationElimination {
 public:
  static constexpr std::size_t kMaxTableSize = 1 << 16;

  explicit AllocationElimination(const AllocationModel& model);

  /// For one weighting of the rows.
  struct Table {
    double minimum = 0;  ///< the least weighted sum, or a lower bound if edges are left out
    std::vector<std::vector<double>> reduced;   ///< by group, contexts x options: by how much the
                                                ///< sum grows if the group takes the option where
                                                ///< its scope has chosen the context; at least 0
    std::vector<std::vector<double>> left_out;  ///< by edge left out, options x options: the rest
  };
  Table minimise(std::span<const double> weights) const;

  /// A choice that reaches a table's minimum if no edges are left out.
  std::vector<int> argmin(const Table& table) const;

  /// Groups that `group`'s table depends on; chosen before it in any order of branching.
  const std::vector<int>& scope(int group) const { return scopes_[group]; }
  std::size_t contexts(int group) const { return contexts_[group]; }
  /// Which context the scope's choices are.
  std::size_t context(int group, const std::vector<int>& choice) const;
  /// Indices into the model's edges.
  const std::vector<int>& edges_left_out() const { return left_out_; }

 private:
  bool find_order();
  std::vector<std::set<int>> neighbours() const;
  std::vector<double> eliminate(int group, const std::vector<double>& own,
                                std::span<const double> weights,
                                std::vector<std::vector<double>>& least) const;
  bool is_left_out(int edge) const;
  void set_context(int group, std::size_t context, std::vector<int>& choice) const;

  const AllocationModel& model_;
  std::vector<int> order_;
  std::vector<std::vector<int>> scopes_;
  std::vector<std::size_t> contexts_;
  std::vector<std::vector<int>> messages_;  ///< by group: those whose tables are added to its own
  std::vector<std::vector<int>> edges_;     ///< by group: edges counted in its table
  std::vector<int> left_out_;
};

}  // namespace hwnas::compression
