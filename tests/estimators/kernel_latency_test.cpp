#include "estimators/kernel_latency.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace hwnas::estimators {
namespace {

struct Samples {
  FeatureMatrix counts;
  std::vector<double> measured;
};

const Eigen::Vector3d kCosts(40, 0, 7);

/// Counts over five orders of magnitude, measured with a relative noise.
Samples samples(int size, double noise, std::uint64_t seed) {
  Rng rng(seed);
  Samples result{FeatureMatrix(size, 3), {}};
  for (int row = 0; row < size; ++row) {
    for (int column = 0; column < 3; ++column) {
      result.counts(row, column) = std::floor(std::exp(11 * rng.uniform()));
    }
    result.measured.push_back(result.counts.row(row).dot(kCosts) * (1 + noise * rng.normal()));
  }
  return result;
}

TEST(FitCounts, FindsTheCostOfEachCount) {
  const Samples data = samples(60, 0, 1);
  const auto model = fit_counts(data.counts, data.measured);
  EXPECT_NEAR(model->costs()[0], 40, 1e-3);
  EXPECT_NEAR(model->costs()[1], 0, 1e-3);
  EXPECT_NEAR(model->costs()[2], 7, 1e-3);
}

TEST(FitCounts, IsNotSpoiledByFailedMeasurements) {
  Samples data = samples(200, 0.01, 2);
  data.measured[3] = 1;      // stopped at once
  data.measured[17] *= 100;  // interrupted
  const auto model = fit_counts(data.counts, data.measured);
  EXPECT_NEAR(model->costs()[0], 40, 0.4);
  EXPECT_NEAR(model->costs()[2], 7, 0.07);
}

TEST(FitCounts, StatesIntervalsThatHoldNewMeasurements) {
  const Samples training = samples(300, 0.05, 3), fresh = samples(2000, 0.05, 4);
  const auto predictions = fit_counts(training.counts, training.measured)->predict(fresh.counts);
  int covered = 0;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const auto& [mean, sd] = predictions[i];
    covered += std::abs(fresh.measured[i] - mean) <= 1.645 * sd ? 1 : 0;
  }
  EXPECT_NEAR(covered / 2000.0, 0.9, 0.04);
}

TEST(FitCounts, GivesNothingToCountsThatNoSampleHad) {
  Samples data = samples(20, 0, 5);
  data.counts.col(1).setZero();
  EXPECT_EQ(fit_counts(data.counts, data.measured)->costs()[1], 0);
}

TEST(FitCounts, RefusesWhatCannotBeFitted) {
  Samples data = samples(20, 0, 6);
  EXPECT_THROW(fit_counts(data.counts, std::vector<double>(19, 1.0)), Error);
  EXPECT_THROW(fit_counts(FeatureMatrix(0, 3), {}), Error);
  std::vector<double> failed = data.measured;
  failed[4] = 0;
  EXPECT_THROW(fit_counts(data.counts, failed), Error);
  data.counts(2, 1) = -1;
  EXPECT_THROW(fit_counts(data.counts, data.measured), Error);
}

TEST(CountRegressor, IsTheSameAfterWritingAndReading) {
  const Samples data = samples(40, 0.1, 7);
  const auto model = fit_counts(data.counts, data.measured);
  const CountRegressor copy =
      CountRegressor::from_json(nlohmann::json::parse(model->to_json().dump()));
  const auto expected = model->predict(data.counts), found = copy.predict(data.counts);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].mean, expected[i].mean);
    EXPECT_EQ(found[i].standard_deviation, expected[i].standard_deviation);
  }
}

TEST(CountRegressor, RefusesOtherFilesAndOtherLayouts) {
  EXPECT_THROW(CountRegressor::from_json({{"regressor", "tree"}}), Error);
  EXPECT_THROW(CountRegressor::from_json({{"regressor", "counts"}, {"version", 2}}), Error);
  const Samples data = samples(40, 0.1, 8);
  EXPECT_THROW(fit_counts(data.counts, data.measured)->predict(FeatureMatrix::Ones(1, 4)), Error);
}

/// The conditions of Karush, Kuhn and Tucker, which only the minimum meets.
TEST(NonNegativeLeastSquares, MeetsTheConditionsOfTheMinimum) {
  Rng rng(9);
  for (int trial = 0; trial < 200; ++trial) {
    const int size = 1 + static_cast<int>(rng.index(12));
    const Eigen::MatrixXd a = Eigen::MatrixXd::NullaryExpr(20, size, [&] { return rng.normal(); });
    const Eigen::VectorXd b = Eigen::VectorXd::NullaryExpr(20, [&] { return rng.normal(); });
    const Eigen::MatrixXd gram = a.transpose() * a;
    const Eigen::VectorXd moments = a.transpose() * b;
    const Eigen::VectorXd x = non_negative_least_squares(gram, moments);
    const Eigen::VectorXd gradient = moments - gram * x;
    for (int i = 0; i < size; ++i) {
      EXPECT_GE(x[i], 0);
      EXPECT_LE(gradient[i], 1e-8);
      EXPECT_NEAR(gradient[i] * x[i], 0, 1e-8);
    }
  }
}

}  // namespace
}  // namespace hwnas::estimators
