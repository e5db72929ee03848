#include "search/ranking.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

#include "search/pareto.hpp"

namespace hwnas::search {
namespace {

/// Rows of an n x m matrix.
class Points {
 public:
  Points(std::span<const double> values, std::size_t m) : values_(values), m_(m) {
    assert(m > 0 && values.size() % m == 0);
  }
  std::size_t size() const { return values_.size() / m_; }
  std::span<const double> operator[](std::size_t i) const { return values_.subspan(i * m_, m_); }

 private:
  std::span<const double> values_;
  std::size_t m_;
};

std::vector<std::uint32_t> lexicographic_order(const Points& points) {
  std::vector<std::uint32_t> order(points.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::ranges::lexicographical_compare(points[a], points[b]);
  });
  return order;
}

/// `dominated_by(k, i)`: a member of front k, all of them lexicographically before i, dominates i;
/// true for a prefix of the fronts. `join(k, i)` puts i into front k, which may be a new one.
template <typename DominatedBy, typename Join>
std::vector<std::uint32_t> assign_fronts(const Points& points, DominatedBy dominated_by,
                                         Join join) {
  std::vector<std::uint32_t> front(points.size());
  std::uint32_t fronts = 0;
  const std::vector<std::uint32_t> order = lexicographic_order(points);
  for (std::size_t at = 0; at < order.size(); ++at) {
    const std::uint32_t i = order[at];
    if (at > 0 && std::ranges::equal(points[i], points[order[at - 1]])) {
      front[i] = front[order[at - 1]];
      continue;
    }
    std::uint32_t low = 0;
    std::uint32_t high = fronts;
    while (low < high) {
      const std::uint32_t middle = (low + high) / 2;
      if (dominated_by(middle, i)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    front[i] = low;
    fronts = std::max(fronts, low + 1);
    join(low, i);
  }
  return front;
}

/// With at most two objectives the last point of a front has its smallest last objective.
std::vector<std::uint32_t> fronts_by_sweep(const Points& points) {
  std::vector<double> last;  // objective of the last point of each front
  return assign_fronts(
      points, [&](std::uint32_t k, std::uint32_t i) { return last[k] <= points[i].back(); },
      [&](std::uint32_t k, std::uint32_t i) {
        if (k == last.size()) last.emplace_back();
        last[k] = points[i].back();
      });
}

std::vector<std::uint32_t> fronts_by_search(const Points& points) {
  std::vector<std::vector<std::uint32_t>> fronts;
  return assign_fronts(
      points,
      [&](std::uint32_t k, std::uint32_t i) {
        return std::any_of(fronts[k].rbegin(), fronts[k].rend(),
                           [&](std::uint32_t j) { return dominates(points[j], points[i]); });
      },
      [&](std::uint32_t k, std::uint32_t i) {
        if (k == fronts.size()) fronts.emplace_back();
        fronts[k].push_back(i);
      });
}

std::uint32_t front_count(const std::vector<std::uint32_t>& fronts) {
  return fronts.empty() ? 0 : *std::max_element(fronts.begin(), fronts.end()) + 1;
}

/// Standings of the feasible trials `members`; returns how many fronts they have.
std::uint32_t rank_feasible(std::span<const Trial> trials, std::size_t m,
                            const std::vector<std::uint32_t>& members,
                            std::vector<Standing>& standings) {
  std::vector<double> objectives;
  objectives.reserve(members.size() * m);
  for (const std::uint32_t i : members) {
    assert(trials[i].objectives.size() == m);
    objectives.insert(objectives.end(), trials[i].objectives.begin(), trials[i].objectives.end());
  }
  const std::vector<std::uint32_t> fronts = non_dominated_fronts(objectives, m);
  std::vector<std::vector<std::uint32_t>> rows_of(front_count(fronts));
  for (std::uint32_t row = 0; row < fronts.size(); ++row) rows_of[fronts[row]].push_back(row);
  for (std::uint32_t front = 0; front < rows_of.size(); ++front) {
    const std::vector<double> crowding = crowding_distances(objectives, m, rows_of[front]);
    for (std::size_t j = 0; j < crowding.size(); ++j) {
      standings[members[rows_of[front][j]]] = {front, crowding[j]};
    }
  }
  return static_cast<std::uint32_t>(rows_of.size());
}

/// The same for violating trials, whose fronts begin at `first`; returns the front after theirs.
std::uint32_t rank_violating(std::span<const Trial> trials,
                             const std::vector<std::uint32_t>& members, std::uint32_t first,
                             std::vector<Standing>& standings) {
  std::vector<double> violations;
  for (const std::uint32_t i : members) violations.push_back(trials[i].violation);
  const std::vector<std::uint32_t> fronts = non_dominated_fronts(violations, 1);
  for (std::size_t j = 0; j < members.size(); ++j) standings[members[j]] = {first + fronts[j], 0};
  return first + front_count(fronts);
}

}  // namespace

Worth worth(const Trial& trial) {
  if (trial.state == TrialState::kFailed || !std::isfinite(trial.violation)) return Worth::kUnknown;
  if (trial.state == TrialState::kInfeasible || trial.violation > 0) return Worth::kViolating;
  const bool known =
      !trial.objectives.empty() &&
      std::ranges::all_of(trial.objectives, [](double x) { return std::isfinite(x); });
  return known ? Worth::kFeasible : Worth::kUnknown;
}

Fitness fitness(const Trial& trial) {
  switch (const Worth w = worth(trial)) {
    case Worth::kFeasible:
      return {w, trial.objectives.front()};
    case Worth::kViolating:
      return {w, trial.violation};
    case Worth::kUnknown:
      break;
  }
  return {};
}

std::vector<std::uint32_t> non_dominated_fronts(std::span<const double> objectives, std::size_t m) {
  const Points points(objectives, m);
  return m <= 2 ? fronts_by_sweep(points) : fronts_by_search(points);
}

std::vector<double> crowding_distances(std::span<const double> objectives, std::size_t m,
                                       std::span<const std::uint32_t> members) {
  std::vector<double> distance(members.size());
  std::vector<std::uint32_t> order(members.size());
  for (std::size_t objective = 0; objective < m; ++objective) {
    const auto value = [&](std::uint32_t member) {
      return objectives[members[member] * m + objective];
    };
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
      return value(a) != value(b) ? value(a) < value(b) : a < b;
    });
    const double range = value(order.back()) - value(order.front());
    if (range == 0) continue;
    distance[order.front()] = distance[order.back()] = std::numeric_limits<double>::infinity();
    for (std::size_t i = 1; i + 1 < order.size(); ++i) {
      distance[order[i]] += (value(order[i + 1]) - value(order[i - 1])) / range;
    }
  }
  return distance;
}

std::vector<Standing> standings(std::span<const Trial> trials, std::size_t objectives) {
  std::vector<std::uint32_t> members[3];  // by worth
  for (std::uint32_t i = 0; i < trials.size(); ++i) {
    members[static_cast<std::size_t>(worth(trials[i]))].push_back(i);
  }
  std::vector<Standing> result(trials.size());
  std::uint32_t front = rank_feasible(trials, objectives, members[0], result);
  front = rank_violating(trials, members[1], front, result);
  for (const std::uint32_t i : members[2]) result[i] = {front, 0};
  return result;
}

}  // namespace hwnas::search
