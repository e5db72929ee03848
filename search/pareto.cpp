#include "search/pareto.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "core/error.hpp"

namespace hwnas::search {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The part of the plane that points dominate below a reference, one point at a time.
class Staircase {
 public:
  explicit Staircase(double reference_x, double reference_y)
      : steps_{{-kInfinity, reference_y}, {reference_x, -kInfinity}} {}

  double area() const { return area_; }

  /// The point lies strictly below the reference. Amortised O(log n).
  void insert(double x, double y) {
    auto right = steps_.upper_bound(x);
    double height = std::prev(right)->second;
    if (height <= y) return;
    double left = x;
    for (; right->second >= y; right = steps_.erase(right)) {
      area_ += (right->first - left) * (height - y);
      left = right->first;
      height = right->second;
    }
    area_ += (right->first - left) * (height - y);
    steps_.insert_or_assign(x, y);
  }

 private:
  std::map<double, double> steps_;  ///< x to y, falling; the ends are the reference's sides
  double area_ = 0;
};

double length(std::span<const ParetoPoint* const> points, double reference) {
  double best = reference;
  for (const ParetoPoint* point : points) best = std::min(best, point->objectives[0]);
  return reference - best;
}

double area(std::span<const ParetoPoint*> points, std::span<const double> reference) {
  std::ranges::sort(points, {}, [](const ParetoPoint* p) { return p->objectives[0]; });
  double sum = 0;
  double height = reference[1];
  for (const ParetoPoint* point : points) {
    if (point->objectives[1] >= height) continue;
    sum += (reference[0] - point->objectives[0]) * (height - point->objectives[1]);
    height = point->objectives[1];
  }
  return sum;
}

double volume(std::span<const ParetoPoint*> points, std::span<const double> reference) {
  std::ranges::sort(points, {}, [](const ParetoPoint* p) { return p->objectives[2]; });
  Staircase section(reference[0], reference[1]);
  double sum = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    section.insert(points[i]->objectives[0], points[i]->objectives[1]);
    const double next = i + 1 < points.size() ? points[i + 1]->objectives[2] : reference[2];
    sum += section.area() * (next - points[i]->objectives[2]);
  }
  return sum;
}

bool strictly_below(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  return std::equal(a.begin(), a.end(), b.begin(), std::less<>{});
}

bool weakly_dominates(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  return std::equal(a.begin(), a.end(), b.begin(), std::less_equal<>{});
}

}  // namespace

bool dominates(std::span<const double> a, std::span<const double> b) {
  return weakly_dominates(a, b) && !weakly_dominates(b, a);
}

bool ParetoArchive::insert(ParetoPoint point) {
  // What dominates a point comes before it in lexicographic order, what it dominates after it.
  const auto after =
      std::ranges::upper_bound(points_, point.objectives, {}, &ParetoPoint::objectives);
  const bool unwanted = std::any_of(points_.begin(), after, [&](const ParetoPoint& p) {
    return weakly_dominates(p.objectives, point.objectives);
  });
  if (unwanted) return false;
  const auto dominated = std::remove_if(after, points_.end(), [&](const ParetoPoint& p) {
    return weakly_dominates(point.objectives, p.objectives);
  });
  const auto place = after - points_.begin();
  points_.erase(dominated, points_.end());
  points_.insert(points_.begin() + place, std::move(point));
  return true;
}

double hypervolume(std::span<const ParetoPoint> points, std::span<const double> reference) {
  if (reference.empty() || reference.size() > 3) {
    throw invalid_argument("the hypervolume of {} objectives is not defined here: 1 to 3",
                           reference.size());
  }
  std::vector<const ParetoPoint*> inside;
  for (const ParetoPoint& point : points) {
    if (strictly_below(point.objectives, reference)) inside.push_back(&point);
  }
  switch (reference.size()) {
    case 1:
      return length(inside, reference[0]);
    case 2:
      return area(inside, reference);
    default:
      return volume(inside, reference);
  }
}

}  // namespace hwnas::search
