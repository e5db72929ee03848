#include "search/pareto.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace hwnas::search {
namespace {

using Objectives = std::vector<double>;

std::vector<ParetoPoint> points_of(const std::vector<Objectives>& objectives) {
  std::vector<ParetoPoint> points;
  for (const Objectives& o : objectives) points.push_back({.id = points.size(), .objectives = o});
  return points;
}

/// Coordinates on a coarse grid, so that ties are common; some beyond a reference of 8.
std::vector<ParetoPoint> random_points(std::size_t n, std::size_t m, Rng& rng) {
  std::vector<Objectives> objectives(n, Objectives(m));
  for (Objectives& o : objectives) {
    for (double& x : o) x = static_cast<double>(rng.index(10));
  }
  return points_of(objectives);
}

/// Volume of the union of boxes by inclusion and exclusion over all subsets.
double union_volume(const std::vector<ParetoPoint>& points, const Objectives& reference) {
  double sum = 0;
  for (std::uint32_t subset = 1; subset < (1U << points.size()); ++subset) {
    double volume = std::popcount(subset) % 2 == 1 ? 1 : -1;
    for (std::size_t k = 0; k < reference.size(); ++k) {
      double corner = -1e9;
      for (std::size_t i = 0; i < points.size(); ++i) {
        if ((subset >> i & 1U) != 0) corner = std::max(corner, points[i].objectives[k]);
      }
      volume *= std::max(0.0, reference[k] - corner);
    }
    sum += volume;
  }
  return sum;
}

TEST(Dominates, NeedsOneStrictlyBetterAndNoWorseObjective) {
  EXPECT_TRUE(dominates(Objectives{1, 2}, Objectives{1, 3}));
  EXPECT_TRUE(dominates(Objectives{0, 0, 0}, Objectives{1, 1, 1}));
  EXPECT_FALSE(dominates(Objectives{1, 2}, Objectives{1, 2}));
  EXPECT_FALSE(dominates(Objectives{0, 3}, Objectives{1, 2}));
}

TEST(ParetoArchive, KeepsTheFirstOfEqualPointsInObjectiveOrder) {
  ParetoArchive archive;
  EXPECT_TRUE(archive.insert({.id = 0, .objectives = {3, 1}}));
  EXPECT_TRUE(archive.insert({.id = 1, .objectives = {1, 3}}));
  EXPECT_FALSE(archive.insert({.id = 2, .objectives = {1, 3}}));
  EXPECT_FALSE(archive.insert({.id = 3, .objectives = {4, 1}}));
  EXPECT_TRUE(archive.insert({.id = 4, .objectives = {2, 2}}));
  EXPECT_EQ(archive.points(), (std::vector<ParetoPoint>{{1, {1, 3}}, {4, {2, 2}}, {0, {3, 1}}}));
  EXPECT_TRUE(archive.insert({.id = 5, .objectives = {0, 2}}));
  EXPECT_EQ(archive.points(), (std::vector<ParetoPoint>{{5, {0, 2}}, {0, {3, 1}}}));
}

TEST(ParetoArchive, HoldsExactlyTheNonDominatedPoints) {
  Rng rng(5);
  for (std::size_t m = 1; m <= 4; ++m) {
    for (int round = 0; round < 30; ++round) {
      const std::vector<ParetoPoint> points = random_points(40, m, rng);
      ParetoArchive archive;
      for (const ParetoPoint& point : points) archive.insert(point);
      std::vector<ParetoPoint> expected;
      for (const ParetoPoint& p : points) {
        const bool beaten = std::ranges::any_of(points, [&](const ParetoPoint& q) {
          return dominates(q.objectives, p.objectives) ||
                 (q.objectives == p.objectives && q.id < p.id);
        });
        if (!beaten) expected.push_back(p);
      }
      std::ranges::sort(expected, {}, &ParetoPoint::objectives);
      EXPECT_EQ(archive.points(), expected);
    }
  }
}

TEST(Hypervolume, OfKnownFronts) {
  const auto volume = [](const std::vector<Objectives>& o, const Objectives& reference) {
    return hypervolume(points_of(o), reference);
  };
  EXPECT_EQ(volume({}, {1, 1}), 0);
  EXPECT_EQ(volume({{2}, {5}}, {7}), 5);
  EXPECT_EQ(volume({{1, 3}, {2, 2}, {3, 1}}, {4, 4}), 6);
  EXPECT_EQ(volume({{1, 3}, {1, 3}, {2, 3}}, {4, 4}), 3);
  EXPECT_EQ(volume({{0, 0, 0}}, {1, 2, 3}), 6);
  EXPECT_EQ(volume({{1, 2, 3}, {2, 3, 1}, {3, 1, 2}}, {4, 4, 4}), 13);
  EXPECT_EQ(volume({{4, 0}, {0, 4}}, {4, 4}), 0) << "points on the reference add nothing";
}

TEST(Hypervolume, EqualsInclusionAndExclusionOnRandomPoints) {
  Rng rng(11);
  for (std::size_t m = 1; m <= 3; ++m) {
    const Objectives reference(m, 8);
    for (int round = 0; round < 60; ++round) {
      const std::vector<ParetoPoint> points = random_points(9, m, rng);
      EXPECT_EQ(hypervolume(points, reference), union_volume(points, reference));
    }
  }
}

TEST(Hypervolume, RefusesNumbersOfObjectivesItIsNotExactFor) {
  EXPECT_THROW(hypervolume({}, Objectives{}), Error);
  EXPECT_THROW(hypervolume({}, Objectives{1, 1, 1, 1}), Error);
}

}  // namespace
}  // namespace hwnas::search
