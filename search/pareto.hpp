#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hwnas::search {

/// True if a is at least as good as b in every objective and better in one. All are minimised.
bool dominates(std::span<const double> a, std::span<const double> b);

/// A point of an archive: who it is, and its objectives (minimised).
struct ParetoPoint {
  std::uint64_t id = 0;
  std::vector<double> objectives;
  bool operator==(const ParetoPoint&) const = default;
};

/// The non-dominated set of everything inserted, sorted by the first objective, then by the others,
/// then by id. Of points with equal objectives the one inserted first stays.
class ParetoArchive {
 public:
  /// True if the point is now in the archive. Objectives must be finite. O(size · objectives).
  bool insert(ParetoPoint point);
  const std::vector<ParetoPoint>& points() const { return points_; }

 private:
  std::vector<ParetoPoint> points_;
};

/// Volume dominated by the points and bounded by `reference` (all minimised); points that do not
/// lie strictly below the reference in every objective add nothing. Exact for 1 to 3 objectives:
/// O(n log n) for 2, sweep of Beume, Fonseca, López-Ibáñez, Paquete and Vahrenhold ("On the
/// Complexity of Computing the Hypervolume Indicator", IEEE TEC 2009), O(n log n), for 3.
/// Throws InvalidArgument for other numbers.
double hypervolume(std::span<const ParetoPoint> points, std::span<const double> reference);

}  // namespace hwnas::search
