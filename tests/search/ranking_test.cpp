#include "search/ranking.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "core/rng.hpp"
#include "search/pareto.hpp"

namespace hwnas::search {
namespace {

using testing::ElementsAre;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Peels off one front after the other.
std::vector<std::uint32_t> naive_fronts(const std::vector<double>& objectives, std::size_t m) {
  constexpr std::uint32_t kNone = ~0U;
  const std::span all(objectives);
  const std::size_t n = objectives.size() / m;
  std::vector<std::uint32_t> front(n, kNone);
  for (std::uint32_t level = 0; std::ranges::count(front, kNone) > 0; ++level) {
    const std::vector<std::uint32_t> before = front;
    for (std::size_t i = 0; i < n; ++i) {
      if (before[i] != kNone) continue;
      bool dominated = false;
      for (std::size_t j = 0; j < n; ++j) {
        dominated |= before[j] == kNone && dominates(all.subspan(j * m, m), all.subspan(i * m, m));
      }
      if (!dominated) front[i] = level;
    }
  }
  return front;
}

TEST(NonDominatedFronts, EqualNaivePeeling) {
  Rng rng(7);
  for (std::size_t m = 1; m <= 5; ++m) {
    for (const std::uint64_t grid : {3, 12, 1000}) {
      for (int round = 0; round < 10; ++round) {
        std::vector<double> objectives(60 * m);
        for (double& x : objectives) x = static_cast<double>(rng.index(grid));
        EXPECT_EQ(non_dominated_fronts(objectives, m), naive_fronts(objectives, m));
      }
    }
  }
}

TEST(NonDominatedFronts, OfNothingIsNothing) {
  EXPECT_TRUE(non_dominated_fronts({}, 2).empty());
}

TEST(CrowdingDistance, IsTheSpanOfTheNeighboursOverTheRange) {
  const std::vector<double> objectives = {0, 10, 9, 9, 1, 6, 4, 4, 10, 0};  // row 1 is no member
  const std::vector<std::uint32_t> members = {4, 2, 0, 3};
  EXPECT_THAT(crowding_distances(objectives, 2, members),
              ElementsAre(kInfinity, 0.4 + 0.6, kInfinity, 0.9 + 0.6));
}

TEST(CrowdingDistance, LeavesAConstantObjectiveOut) {
  const std::vector<double> objectives = {0, 5, 1, 5, 4, 5};
  EXPECT_THAT(crowding_distances(objectives, 2, std::vector<std::uint32_t>{0, 1, 2}),
              ElementsAre(kInfinity, 1, kInfinity));
  EXPECT_THAT(crowding_distances(objectives, 2, std::vector<std::uint32_t>{1}), ElementsAre(0));
}

Trial trial(TrialState state, std::vector<double> objectives, double violation = 0) {
  return {.state = state, .objectives = std::move(objectives), .violation = violation};
}

TEST(Worth, IsWhatAStrategyCanLearnFromATrial) {
  EXPECT_EQ(worth(trial(TrialState::kComplete, {1, 2})), Worth::kFeasible);
  EXPECT_EQ(worth(trial(TrialState::kStopped, {1, 2})), Worth::kFeasible);
  EXPECT_EQ(worth(trial(TrialState::kComplete, {1, 2}, 0.1)), Worth::kViolating);
  EXPECT_EQ(worth(trial(TrialState::kInfeasible, {}, 0.1)), Worth::kViolating);
  EXPECT_EQ(worth(trial(TrialState::kFailed, {})), Worth::kUnknown);
  EXPECT_EQ(worth(trial(TrialState::kComplete, {1, kNan})), Worth::kUnknown);
  EXPECT_EQ(worth(trial(TrialState::kComplete, {kInfinity})), Worth::kUnknown);
  EXPECT_EQ(worth(trial(TrialState::kInfeasible, {}, kNan)), Worth::kUnknown);
}

TEST(Fitness, PutsFeasibleBeforeViolatingBeforeUnknown) {
  const Fitness good = fitness(trial(TrialState::kComplete, {100}));
  const Fitness near = fitness(trial(TrialState::kInfeasible, {}, 0.1));
  const Fitness far = fitness(trial(TrialState::kInfeasible, {}, 2));
  const Fitness failed = fitness(trial(TrialState::kFailed, {}));
  EXPECT_LT(fitness(trial(TrialState::kStopped, {-5})), good);
  EXPECT_LT(good, near);
  EXPECT_LT(near, far);
  EXPECT_LT(far, failed);
}

TEST(Standings, RankFeasibleThenViolationsThenUnknown) {
  const std::vector<Trial> trials = {
      trial(TrialState::kFailed, {}),          trial(TrialState::kInfeasible, {}, 0.5),
      trial(TrialState::kComplete, {1, 2}),    trial(TrialState::kInfeasible, {}, 0.1),
      trial(TrialState::kStopped, {2, 1}),     trial(TrialState::kComplete, {3, 3}),
      trial(TrialState::kInfeasible, {}, 0.5), trial(TrialState::kComplete, {kNan, 0})};
  std::vector<std::uint32_t> fronts;
  for (const Standing& standing : standings(trials, 2)) fronts.push_back(standing.front);
  EXPECT_THAT(fronts, ElementsAre(4, 3, 0, 2, 0, 1, 3, 4));
}

TEST(Standing, PrefersTheEarlierFrontThenTheEmptierRegion) {
  EXPECT_TRUE((Standing{0, 0}.better_than({1, kInfinity})));
  EXPECT_TRUE((Standing{1, 2}.better_than({1, 1})));
  EXPECT_FALSE((Standing{1, kInfinity}.better_than({1, kInfinity})));
}

}  // namespace
}  // namespace hwnas::search
