#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "search/strategy.hpp"

namespace hwnas::search {

/// What a finished trial is worth to a strategy, best first.
enum class Worth {
  kFeasible,   ///< complete or stopped, objectives finite, every limit kept
  kViolating,  ///< broke a limit; by how much is known
  kUnknown,    ///< failed, or its numbers are not finite: nothing to learn
};
Worth worth(const Trial& trial);

/// For strategies with one objective: a total order, smaller is better. Feasible trials by their
/// first objective, before violating ones by their violation, before unknown ones.
struct Fitness {
  Worth worth = Worth::kUnknown;
  double value = 0;  ///< finite
  auto operator<=>(const Fitness&) const = default;
};
Fitness fitness(const Trial& trial);

/// The front of each point: 0 for those that no other dominates, k for those that only points of
/// fronts below k dominate. `objectives` is n x m, row by row, finite, all minimised. O(n log n)
/// for m <= 2 (the sweep of Jensen, "Reducing the Run-Time Complexity of Multiobjective EAs", IEEE
/// TEC 2003); O(m n log n) to O(m n²) otherwise (ENS-BS of Zhang, Tian, Cheng and Jin, "An
/// Efficient Approach to Nondominated Sorting", IEEE TEC 2015).
std::vector<std::uint32_t> non_dominated_fronts(std::span<const double> objectives, std::size_t m);

/// Crowding distance (Deb et al. 2002, section III.B) of points `members` of one front: the sum
/// over objectives of the distance between a point's two neighbours, over the front's range;
/// infinite at the ends. Of points equal in an objective the first in `members` counts as the
/// smaller. An objective that is constant in the front adds nothing. `objectives` as above; one
/// result a member.
std::vector<double> crowding_distances(std::span<const double> objectives, std::size_t m,
                                       std::span<const std::uint32_t> members);

/// Where a trial stands among others.
struct Standing {
  std::uint32_t front = 0;
  double crowding = 0;  ///< 0 for trials that are not feasible
  /// The crowded comparison (Deb et al. 2002, section III.C): *this is the better one.
  bool better_than(const Standing& other) const {
    return front != other.front ? front < other.front : crowding > other.crowding;
  }
};

/// Constraint-domination (Deb et al. 2002, section VI.A): fronts of the feasible trials, then one
/// front for each distinct violation, the smallest first, then one of all unknown trials.
std::vector<Standing> standings(std::span<const Trial> trials, std::size_t objectives);

}  // namespace hwnas::search
