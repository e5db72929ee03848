#pragma once

#include <vector>

#include "compression/allocation.hpp"

namespace hwnas::compression {

/// An allocation problem as the solver sees it: only the options still in question, and objective
/// and costs as rows of numbers. Row 0 is the objective, row k the cost of limit k − 1.
struct AllocationModel {
  struct Edge {
    int from = 0;
    int to = 0;
    std::vector<double> values;  ///< row-major: rows x options of from x options of to
  };

  std::vector<std::vector<int>> options;    ///< by group: indices into the problem's options
  std::vector<std::vector<double>> values;  ///< by group, row-major: rows x options
  std::vector<Edge> edges;
  std::vector<double> limits;
  std::vector<double> slack;  ///< by limit: how far rounding may carry a cost over it

  int rows() const { return static_cast<int>(limits.size()) + 1; }
  int groups() const { return static_cast<int>(options.size()); }
  int count(int group) const { return static_cast<int>(options[group].size()); }
  double value(int group, int row, int option) const {
    return values[group][static_cast<std::size_t>(row) * count(group) + option];
  }
  double value(const Edge& edge, int row, int from_option, int to_option) const {
    const auto row_and_from = static_cast<std::size_t>(row) * count(edge.from) + from_option;
    return edge.values[row_and_from * count(edge.to) + to_option];
  }
  /// Sum of one row over groups and edges.
  double sum(int row, const std::vector<int>& choice) const;
  bool keeps_limits(const std::vector<int>& choice) const;
};

/// The allowed options, without those that another one of the group equals or beats in objective,
/// every cost and along every edge.
AllocationModel make_model(const AllocationProblem& problem);

/// The same with only the options marked true.
AllocationModel restricted(const AllocationModel& model,
                           const std::vector<std::vector<bool>>& keep);

/// Choices of a model as options of the problem.
std::vector<int> problem_choice(const AllocationModel& model, const std::vector<int>& choice);

}  // namespace hwnas::compression
