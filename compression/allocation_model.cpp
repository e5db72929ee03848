#include "compression/allocation_model.hpp"

#include <algorithm>
#include <cmath>

namespace hwnas::compression {

namespace {

double row_of(const AllocationOption& option, int row) {
  return row == 0 ? option.objective : option.costs[row - 1];
}

double row_of(const AllocationEdge& edge, int row, std::size_t cell) {
  if (row == 0) return edge.objective.empty() ? 0 : edge.objective[cell];
  if (edge.costs.empty() || edge.costs[row - 1].empty()) return 0;
  return edge.costs[row - 1][cell];
}

/// True if option a of `group` is at most option b everywhere.
bool at_most(const AllocationModel& model, int group, int a, int b) {
  for (int row = 0; row < model.rows(); ++row) {
    if (model.value(group, row, a) > model.value(group, row, b)) return false;
    for (const AllocationModel::Edge& edge : model.edges) {
      if (edge.from != group && edge.to != group) continue;
      const bool is_from = edge.from == group;
      for (int other = 0; other < model.count(is_from ? edge.to : edge.from); ++other) {
        const double of_a =
            is_from ? model.value(edge, row, a, other) : model.value(edge, row, other, a);
        const double of_b =
            is_from ? model.value(edge, row, b, other) : model.value(edge, row, other, b);
        if (of_a > of_b) return false;
      }
    }
  }
  return true;
}

/// Of options that are equal in everything the first is kept.
std::vector<bool> undominated(const AllocationModel& model, int group) {
  std::vector<bool> keep(model.count(group), true);
  for (int b = 0; b < model.count(group); ++b) {
    for (int a = 0; a < model.count(group) && keep[b]; ++a) {
      if (a == b || !keep[a]) continue;
      keep[b] = !(at_most(model, group, a, b) && (a < b || !at_most(model, group, b, a)));
    }
  }
  return keep;
}

AllocationModel allowed_options(const AllocationProblem& problem) {
  AllocationModel model;
  for (const AllocationLimit& limit : problem.limits) {
    model.limits.push_back(limit.limit);
    model.slack.push_back(1e-10 * std::abs(limit.limit));
  }
  for (const AllocationGroup& group : problem.groups) {
    std::vector<int>& options = model.options.emplace_back();
    for (std::size_t i = 0; i < group.options.size(); ++i) {
      if (group.options[i].allowed) options.push_back(static_cast<int>(i));
    }
    std::vector<double>& values = model.values.emplace_back();
    for (int row = 0; row < model.rows(); ++row) {
      for (const int option : options) values.push_back(row_of(group.options[option], row));
    }
  }
  for (const AllocationEdge& edge : problem.edges) {
    AllocationModel::Edge& copy = model.edges.emplace_back();
    copy.from = edge.from;
    copy.to = edge.to;
    for (int row = 0; row < model.rows(); ++row) {
      for (const int a : model.options[edge.from]) {
        for (const int b : model.options[edge.to]) {
          copy.values.push_back(row_of(edge, row, a * problem.groups[edge.to].options.size() + b));
        }
      }
    }
  }
  return model;
}

std::vector<int> kept(const std::vector<bool>& keep) {
  std::vector<int> indices;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) indices.push_back(static_cast<int>(i));
  }
  return indices;
}

}  // namespace

double AllocationModel::sum(int row, const std::vector<int>& choice) const {
  double total = 0;
  for (int group = 0; group < groups(); ++group) total += value(group, row, choice[group]);
  for (const Edge& edge : edges) total += value(edge, row, choice[edge.from], choice[edge.to]);
  return total;
}

bool AllocationModel::keeps_limits(const std::vector<int>& choice) const {
  for (std::size_t k = 0; k < limits.size(); ++k) {
    if (sum(static_cast<int>(k) + 1, choice) > limits[k] + slack[k]) return false;
  }
  return true;
}

AllocationModel make_model(const AllocationProblem& problem) {
  const AllocationModel model = allowed_options(problem);
  std::vector<std::vector<bool>> keep;
  for (int group = 0; group < model.groups(); ++group) keep.push_back(undominated(model, group));
  return restricted(model, keep);
}

AllocationModel restricted(const AllocationModel& model,
                           const std::vector<std::vector<bool>>& keep) {
  AllocationModel result;
  result.limits = model.limits;
  result.slack = model.slack;
  std::vector<std::vector<int>> kept_options;
  for (int group = 0; group < model.groups(); ++group) {
    kept_options.push_back(kept(keep[group]));
    std::vector<int>& options = result.options.emplace_back();
    for (const int option : kept_options[group]) options.push_back(model.options[group][option]);
    std::vector<double>& values = result.values.emplace_back();
    for (int row = 0; row < model.rows(); ++row) {
      for (const int option : kept_options[group]) {
        values.push_back(model.value(group, row, option));
      }
    }
  }
  for (const AllocationModel::Edge& edge : model.edges) {
    AllocationModel::Edge& copy = result.edges.emplace_back();
    copy.from = edge.from;
    copy.to = edge.to;
    for (int row = 0; row < model.rows(); ++row) {
      for (const int a : kept_options[edge.from]) {
        for (const int b : kept_options[edge.to]) {
          copy.values.push_back(model.value(edge, row, a, b));
        }
      }
    }
  }
  return result;
}

std::vector<int> problem_choice(const AllocationModel& model, const std::vector<int>& choice) {
  std::vector<int> result;
  for (int group = 0; group < model.groups(); ++group) {
    result.push_back(model.options[group][choice[group]]);
  }
  return result;
}

}  // namespace hwnas::compression
