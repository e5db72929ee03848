#include "estimators/conformal.hpp"

#include <gmock/gmock.h>

#include <numeric>

#include "core/rng.hpp"
#include "estimators/measured_costs.hpp"

namespace hwnas::estimators {
namespace {

using testing::ElementsAre;

TEST(Folds, HoldEveryRowBackOnceAndFitToAllOthers) {
  const std::vector<Fold> parts = folds(5, 2);
  ASSERT_EQ(parts.size(), 2);
  EXPECT_THAT(parts[0].held_back, ElementsAre(0, 2, 4));
  EXPECT_THAT(parts[0].others, ElementsAre(1, 3));
  EXPECT_THAT(parts[1].held_back, ElementsAre(1, 3));
  EXPECT_THAT(parts[1].others, ElementsAre(0, 2, 4));
}

TEST(ConformalScale, IsTheQuantileThatHoldsNineInTenOfNewScores) {
  std::vector<double> scores(19);  // 0.9 · 20 = the 18th
  std::iota(scores.rbegin(), scores.rend(), 1);
  EXPECT_DOUBLE_EQ(conformal_scale(scores), 18 / kNormal95);
  scores.push_back(20);  // 0.9 · 21 = the 18.9th
  EXPECT_DOUBLE_EQ(conformal_scale(scores), 18.9 / kNormal95);
}

TEST(ConformalScale, CoversNineInTenWhateverTheDistribution) {
  Rng rng(3);
  int covered = 0;
  constexpr int kTrials = 4000;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::vector<double> scores(30);
    const auto draw = [&] { return 1 / (1e-3 + rng.uniform()); };
    std::ranges::generate(scores, draw);
    covered += draw() <= kNormal95 * conformal_scale(scores) ? 1 : 0;
  }
  EXPECT_NEAR(covered / double{kTrials}, 0.9, 0.015);
}

}  // namespace
}  // namespace hwnas::estimators
