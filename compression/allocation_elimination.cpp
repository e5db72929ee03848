#include "compression/allocation_elimination.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>
#include <utility>

namespace hwnas::compression {

namespace {

/// One weighted matrix of an edge.
std::vector<double> weighted(const AllocationModel& model, const AllocationModel::Edge& edge,
                             std::span<const double> weights) {
  const auto cells = static_cast<std::size_t>(model.count(edge.from)) *
                     static_cast<std::size_t>(model.count(edge.to));
  std::vector<double> result(cells);
  for (std::size_t row = 0; row < weights.size(); ++row) {
    if (weights[row] == 0) continue;
    for (std::size_t i = 0; i < cells; ++i)
      result[i] += weights[row] * edge.values[row * cells + i];
  }
  return result;
}

std::vector<double> weighted(const AllocationModel& model, int group,
                             std::span<const double> weights) {
  std::vector<double> result(model.count(group));
  for (std::size_t row = 0; row < weights.size(); ++row) {
    if (weights[row] == 0) continue;
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] += weights[row] * model.values[group][row * result.size() + i];
    }
  }
  return result;
}

/// Moves what an edge costs at least, by option of either end, to the ends.
void split(std::vector<double>& matrix, std::vector<double>& from, std::vector<double>& to) {
  const std::size_t columns = to.size();
  for (std::size_t a = 0; a < from.size(); ++a) {
    const auto row = matrix.begin() + static_cast<std::ptrdiff_t>(a * columns);
    const double least = *std::min_element(row, row + static_cast<std::ptrdiff_t>(columns));
    for (std::size_t b = 0; b < columns; ++b) matrix[a * columns + b] -= least;
    from[a] += least;
  }
  for (std::size_t b = 0; b < columns; ++b) {
    double least = matrix[b];
    for (std::size_t a = 1; a < from.size(); ++a) least = std::min(least, matrix[a * columns + b]);
    for (std::size_t a = 0; a < from.size(); ++a) matrix[a * columns + b] -= least;
    to[b] += least;
  }
}

}  // namespace

AllocationElimination::AllocationElimination(const AllocationModel& model) : model_(model) {
  while (!find_order()) {
    int last = static_cast<int>(model_.edges.size()) - 1;
    while (is_left_out(last)) --last;
    left_out_.push_back(last);
  }
  messages_.resize(order_.size());
  edges_.resize(order_.size());
  std::vector<int> position(order_.size());
  for (std::size_t i = 0; i < order_.size(); ++i) position[order_[i]] = static_cast<int>(i);
  for (const int group : order_) {
    if (!scopes_[group].empty()) messages_[scopes_[group].front()].push_back(group);
  }
  for (std::size_t e = 0; e < model_.edges.size(); ++e) {
    if (is_left_out(static_cast<int>(e))) continue;
    const auto& [from, to, values] = model_.edges[e];
    edges_[position[from] < position[to] ? from : to].push_back(static_cast<int>(e));
  }
}

std::vector<std::set<int>> AllocationElimination::neighbours() const {
  std::vector<std::set<int>> result(static_cast<std::size_t>(model_.groups()));
  for (std::size_t e = 0; e < model_.edges.size(); ++e) {
    if (is_left_out(static_cast<int>(e))) continue;
    result[model_.edges[e].from].insert(model_.edges[e].to);
    result[model_.edges[e].to].insert(model_.edges[e].from);
  }
  return result;
}

/// Smallest table first; the lowest group among equals. False if a table would be too large.
bool AllocationElimination::find_order() {
  const auto groups = static_cast<std::size_t>(model_.groups());
  order_.clear();
  scopes_.assign(groups, {});
  contexts_.assign(groups, 1);
  std::vector<std::set<int>> tied = neighbours();
  std::vector<int> position(groups, -1);
  const auto table_size = [&](int group) {
    double size = tied[group].empty() ? 0 : model_.count(group);
    for (const int other : tied[group]) size *= model_.count(other);
    return size;
  };
  for (std::size_t step = 0; step < groups; ++step) {
    int next = -1;
    double least = std::numeric_limits<double>::infinity();
    for (int group = 0; group < model_.groups() && least > 0; ++group) {
      const double size = position[group] < 0 ? table_size(group) : least;
      if (size < least) std::tie(next, least) = std::pair(group, size);
    }
    if (least > static_cast<double>(kMaxTableSize)) return false;
    position[next] = static_cast<int>(step);
    order_.push_back(next);
    scopes_[next].assign(tied[next].begin(), tied[next].end());
    for (const int a : scopes_[next]) {
      contexts_[next] *= static_cast<std::size_t>(model_.count(a));
      tied[a].erase(next);
      for (const int b : scopes_[next]) {
        if (a != b) tied[a].insert(b);
      }
    }
  }
  // The first of a scope to be eliminated takes the table as a message.
  for (std::vector<int>& scope : scopes_) {
    std::ranges::sort(scope, {}, [&](int group) { return position[group]; });
  }
  return true;
}

bool AllocationElimination::is_left_out(int edge) const {
  return std::ranges::find(left_out_, edge) != left_out_.end();
}

std::size_t AllocationElimination::context(int group, const std::vector<int>& choice) const {
  std::size_t index = 0;
  for (const int other : scopes_[group]) {
    index = index * static_cast<std::size_t>(model_.count(other)) +
            static_cast<std::size_t>(choice[other]);
  }
  return index;
}

void AllocationElimination::set_context(int group, std::size_t context,
                                        std::vector<int>& choice) const {
  const std::vector<int>& scope = scopes_[group];
  for (std::size_t i = scope.size(); i-- > 0;) {
    const auto count = static_cast<std::size_t>(model_.count(scope[i]));
    choice[scope[i]] = static_cast<int>(context % count);
    context /= count;
  }
}

AllocationElimination::Table AllocationElimination::minimise(
    std::span<const double> weights) const {
  Table table;
  for (int group = 0; group < model_.groups(); ++group) {
    table.reduced.push_back(weighted(model_, group, weights));
  }
  for (const int e : left_out_) {
    const AllocationModel::Edge& edge = model_.edges[e];
    std::vector<double> matrix = weighted(model_, edge, weights);
    split(matrix, table.reduced[edge.from], table.reduced[edge.to]);
    table.left_out.push_back(std::move(matrix));
  }
  std::vector<std::vector<double>> least(order_.size());
  for (const int group : order_) {
    table.reduced[group] = eliminate(group, table.reduced[group], weights, least);
    if (scopes_[group].empty()) table.minimum += least[group].front();
  }
  return table;
}

/// Adds the edges to the scope and the tables of groups eliminated before to a group's `own` sums;
/// keeps the least by context in `least`, and returns the rest over it.
std::vector<double> AllocationElimination::eliminate(
    int group, const std::vector<double>& own, std::span<const double> weights,
    std::vector<std::vector<double>>& least) const {
  std::vector<std::vector<double>> matrices;
  for (const int e : edges_[group]) matrices.push_back(weighted(model_, model_.edges[e], weights));
  std::vector<double> cells(contexts_[group] * own.size());
  std::vector<int> choice(order_.size());
  least[group].resize(contexts_[group]);
  for (std::size_t c = 0; c < contexts_[group]; ++c) {
    set_context(group, c, choice);
    double* const row = &cells[c * own.size()];
    for (std::size_t option = 0; option < own.size(); ++option) {
      choice[group] = static_cast<int>(option);
      row[option] = own[option];
      for (std::size_t i = 0; i < matrices.size(); ++i) {
        const auto& [from, to, values] = model_.edges[edges_[group][i]];
        row[option] += matrices[i][static_cast<std::size_t>(choice[from]) * model_.count(to) +
                                   static_cast<std::size_t>(choice[to])];
      }
      for (const int other : messages_[group]) row[option] += least[other][context(other, choice)];
    }
    least[group][c] = *std::min_element(row, row + own.size());
    for (std::size_t option = 0; option < own.size(); ++option) row[option] -= least[group][c];
  }
  return cells;
}

std::vector<int> AllocationElimination::argmin(const Table& table) const {
  std::vector<int> choice(order_.size());
  for (std::size_t i = order_.size(); i-- > 0;) {
    const int group = order_[i];
    const auto row = table.reduced[group].begin() +
                     static_cast<std::ptrdiff_t>(context(group, choice)) * model_.count(group);
    choice[group] = static_cast<int>(std::min_element(row, row + model_.count(group)) - row);
  }
  return choice;
}

}  // namespace hwnas::compression
