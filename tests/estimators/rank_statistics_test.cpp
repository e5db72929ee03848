#include "estimators/rank_statistics.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/rng.hpp"

namespace hwnas::estimators {
namespace {

/// Kendall's tau-b by its definition.
double kendall_by_pairs(const std::vector<double>& a, const std::vector<double>& b) {
  double score = 0;
  double untied_a = 0;
  double untied_b = 0;
  const auto sign = [](double x) { return static_cast<double>((x > 0) - (x < 0)); };
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      score += sign(a[i] - a[j]) * sign(b[i] - b[j]);
      untied_a += a[i] != a[j];
      untied_b += b[i] != b[j];
    }
  }
  return score / std::sqrt(untied_a * untied_b);
}

TEST(RankStatistics, ShareRanksOfEqualValues) {
  EXPECT_EQ(ranks(std::vector<double>{3, 1, 3, 2}), (std::vector<double>{3.5, 1, 3.5, 2}));
}

TEST(RankStatistics, EqualWhatIsCountedByHand) {
  const std::vector<double> a = {1, 2, 3, 4, 5};
  const std::vector<double> b = {20, 10, 40, 30, 50};
  EXPECT_DOUBLE_EQ(kendall(a, b), 0.6);   // 2 of 10 pairs are in the other order
  EXPECT_DOUBLE_EQ(spearman(a, b), 0.8);  // 1 - 6 · 4 / (5 · 24)
}

TEST(RankStatistics, CountTiesAsTheDefinitionDoes) {
  Rng rng(3);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> a;
    std::vector<double> b;
    for (int i = 0; i < 2 + round; ++i) {
      a.push_back(static_cast<double>(rng.index(9)));
      b.push_back(static_cast<double>(rng.index(5)));
    }
    a[0] = 100;  // neither side is constant
    b[0] = 100;
    EXPECT_NEAR(kendall(a, b), kendall_by_pairs(a, b), 1e-12);
  }
}

TEST(RankStatistics, AreOneForTheSameOrderAndMinusOneForTheReverse) {
  const std::vector<double> a = {1, 5, 2, 8};
  const std::vector<double> b = {10, 50, 20, 800};
  const std::vector<double> reverse = {-10, -50, -20, -800};
  EXPECT_DOUBLE_EQ(spearman(a, b), 1);
  EXPECT_DOUBLE_EQ(kendall(a, b), 1);
  EXPECT_DOUBLE_EQ(spearman(a, reverse), -1);
  EXPECT_DOUBLE_EQ(kendall(a, reverse), -1);
}

TEST(RankStatistics, AreNotANumberWhereOneSideIsConstant) {
  const std::vector<double> a = {1, 2, 3};
  const std::vector<double> constant = {4, 4, 4};
  EXPECT_TRUE(std::isnan(spearman(a, constant)));
  EXPECT_TRUE(std::isnan(kendall(a, constant)));
}

TEST(KendallInterval, HoldsTheTruthAboutAsOftenAsItSays) {
  // Of pairs from a normal distribution with correlation rho, tau is 2/pi asin(rho) (Kruskal,
  // "Ordinal Measures of Association", 1958).
  constexpr double kRho = 0.8;
  const double truth = 2 / M_PI * std::asin(kRho);
  Rng rng(11);
  int held = 0;
  for (int sample = 0; sample < 40; ++sample) {
    std::vector<double> a, b;
    for (int i = 0; i < 40; ++i) {
      a.push_back(rng.normal());
      b.push_back(kRho * a.back() + std::sqrt(1 - kRho * kRho) * rng.normal());
    }
    const TauInterval interval = kendall_interval(a, b);
    EXPECT_LT(interval.low, interval.high);
    held += interval.low <= truth && truth <= interval.high;
  }
  EXPECT_GE(held, 33);  // of 38 expected; fewer than 33 has a probability of a hundredth
}

TEST(KendallInterval, IsAPointForTheSameOrderAndNothingForAConstant) {
  const std::vector<double> rising = {1, 2, 3, 4};
  EXPECT_EQ(kendall_interval(rising, rising).low, 1);
  EXPECT_EQ(kendall_interval(rising, rising).high, 1);
  EXPECT_TRUE(std::isnan(kendall_interval(rising, std::vector<double>(4, 1)).low));
}

TEST(MedianSlopeLine, IsTheLineThatPointsLieOn) {
  const std::vector<double> x = {3, 1, 2};
  const std::vector<double> y = {1, 5, 3};
  const Line line = median_slope_line(x, y);
  EXPECT_DOUBLE_EQ(line.slope, -2);
  EXPECT_DOUBLE_EQ(line.at(10), -13);
}

TEST(MedianSlopeLine, IsNotMovedByAnOutlier) {
  std::vector<double> x, y;
  for (int i = 0; i < 10; ++i) {
    x.push_back(i);
    y.push_back(2 * i + 1);
  }
  y[9] = -1000;
  EXPECT_DOUBLE_EQ(median_slope_line(x, y).slope, 2);
  EXPECT_DOUBLE_EQ(median_slope_line(x, y).intercept, 1);
}

TEST(MedianSlopeLine, RisesOnlyWhereKendallsTauIsPositive) {
  Rng rng(3);
  for (int draw = 0; draw < 200; ++draw) {
    std::vector<double> x(9), y(9);
    for (double& value : x) value = rng.uniform();
    for (double& value : y) value = rng.uniform();
    EXPECT_GE(median_slope_line(x, y).slope * kendall(x, y), 0);
  }
}

TEST(MedianSlopeLine, IsLevelWhereXIsConstant) {
  const std::vector<double> x = {2, 2};
  const std::vector<double> y = {1, 4};
  EXPECT_EQ(median_slope_line(x, y).slope, 0);
  EXPECT_EQ(median_slope_line(x, y).at(7), 2.5);
}

TEST(Agreement, CountsErrorsAndIntervals) {
  const std::vector<double> truths = {10, 20, 40, 80};
  const std::vector<Prediction> predictions = {
      {10.4, 0.1}, {21.5, 1}, {40, 0.1}, {60, 13}};  // +4 %, +7.5 %, 0 %, -25 %
  const Agreement result = agreement(predictions, truths);
  EXPECT_DOUBLE_EQ(result.spearman, 1);
  EXPECT_NEAR(result.mape, (0.04 + 0.075 + 0 + 0.25) / 4, 1e-12);
  EXPECT_DOUBLE_EQ(result.within_5, 0.5);
  EXPECT_DOUBLE_EQ(result.within_10, 0.75);
  EXPECT_DOUBLE_EQ(result.coverage_90, 0.75);
}

}  // namespace
}  // namespace hwnas::estimators
