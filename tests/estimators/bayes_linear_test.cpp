#include "estimators/bayes_linear.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "estimators/linear_evidence.hpp"
#include "estimators/linear_prior.hpp"
#include "estimators/next_measurement.hpp"

namespace hwnas::estimators {
namespace {

/// Two hypotheses of two operator counts each: "all" and "needed", which has at most as many.
FeatureLayout two_hypotheses() {
  return {.names = {"all.conv", "all.pool", "needed.conv", "needed.pool"},
          .groups = {{"all", FeatureRole::kExecution, 0, 2},
                     {"needed", FeatureRole::kExecution, 2, 2}}};
}

FeatureMatrix networks(int count, std::uint64_t seed) {
  Rng rng(seed);
  FeatureMatrix features(count, 4);
  for (int i = 0; i < count; ++i) {
    for (int j = 0; j < 2; ++j) {
      const auto all = rng.index(6);
      features(i, j) = static_cast<double>(all);
      features(i, j + 2) = static_cast<double>(rng.index(all + 1));
    }
  }
  return features;
}

/// What a device takes that executes the hypothesis whose columns begin at `begin`.
Eigen::VectorXd costs_on(const FeatureMatrix& features, int begin, const Eigen::Vector3d& weights) {
  return (features.middleCols(begin, 2) * weights.tail<2>()).array() + weights[0];
}

/// Devices like each other: five execute all, two only what is needed.
std::vector<DeviceCosts> sources() {
  std::vector<DeviceCosts> result;
  Rng rng(7);
  for (int device = 0; device < 7; ++device) {
    const FeatureMatrix features = networks(60, static_cast<std::uint64_t>(device));
    const Eigen::Vector3d weights(3 + 0.3 * rng.normal(), 2 + 0.2 * rng.normal(),
                                  0.5 + 0.1 * rng.normal());
    result.push_back({features, costs_on(features, device < 5 ? 0 : 2, weights)});
  }
  return result;
}

double worst_error(const BayesLinear& model, const FeatureMatrix& features,
                   const Eigen::VectorXd& truths) {
  const auto predictions = model.predict(features);
  double worst = 0;
  for (Eigen::Index i = 0; i < truths.size(); ++i) {
    worst = std::max(worst, std::abs(predictions[i].mean / truths[i] - 1));
  }
  return worst;
}

TEST(BayesLinear, FindsWeightsAndHypothesisOfADeviceFromEightMeasurements) {
  const LinearPrior prior = execution_prior(two_hypotheses(), sources());
  const FeatureMatrix measured = networks(8, 100);
  const FeatureMatrix others = networks(200, 101);
  for (const int begin : {0, 2}) {
    const Eigen::Vector3d weights(40, 15, 9);  // another unit, and dearer pooling
    const auto model = fit_bayes_linear(prior, measured, costs_on(measured, begin, weights));
    EXPECT_LT(worst_error(*model, others, costs_on(others, begin, weights)), 0.02);
    EXPECT_GT(model->hypotheses()[begin / 2].probability, 0.99);
  }
}

TEST(BayesLinear, LearnsFromTwoMeasurementsWhatItsSourcesHaveInCommon) {
  const FeatureMatrix measured = networks(2, 102);
  const FeatureMatrix others = networks(200, 103);
  const Eigen::Vector3d weights(3.1, 1.9, 0.55);
  const Eigen::VectorXd costs = costs_on(measured, 0, weights);
  const Eigen::VectorXd truths = costs_on(others, 0, weights);
  const auto with = fit_bayes_linear(execution_prior(two_hypotheses(), sources()), measured, costs);
  const auto without = fit_bayes_linear(execution_prior(two_hypotheses(), {}), measured, costs);
  EXPECT_LT(worst_error(*with, others, truths), 0.15);
  EXPECT_GT(worst_error(*without, others, truths), 0.3);
}

TEST(BayesLinear, IsNotMisledByOneThrottledMeasurement) {
  const LinearPrior prior = execution_prior(two_hypotheses(), sources());
  const FeatureMatrix measured = networks(10, 104);
  const FeatureMatrix others = networks(200, 105);
  const Eigen::Vector3d weights(30, 20, 6);
  Eigen::VectorXd costs = costs_on(measured, 2, weights);
  costs[3] *= 1.6;
  const auto model = fit_bayes_linear(prior, measured, costs);
  EXPECT_LT(worst_error(*model, others, costs_on(others, 2, weights)), 0.03);
}

TEST(BayesLinear, PredictsInTheUnitOfTheMeasurements) {
  const LinearPrior prior = execution_prior(two_hypotheses(), sources());
  const FeatureMatrix measured = networks(5, 106);
  const Eigen::VectorXd costs = costs_on(measured, 0, {3, 2, 1});
  const auto in_ms = fit_bayes_linear(prior, measured, costs)->predict(measured);
  const auto in_us = fit_bayes_linear(prior, measured, 1000 * costs)->predict(measured);
  for (std::size_t i = 0; i < in_ms.size(); ++i) {
    EXPECT_NEAR(in_us[i].mean, 1000 * in_ms[i].mean, 1e-6);
    EXPECT_NEAR(in_us[i].standard_deviation, 1000 * in_ms[i].standard_deviation, 1e-6);
  }
}

TEST(BayesLinear, StatesIntervalsThatHold) {
  const LinearPrior prior = execution_prior(two_hypotheses(), sources());
  Rng rng(8);
  int inside = 0;
  int total = 0;
  for (std::uint64_t round = 0; round < 40; ++round) {
    const Eigen::Vector3d weights(3 + 0.3 * rng.normal(), 2 + 0.2 * rng.normal(),
                                  0.5 + 0.1 * rng.normal());
    const auto measure = [&](const FeatureMatrix& features) {
      Eigen::VectorXd costs = costs_on(features, 0, weights);
      for (double& cost : costs) cost += 0.3 * rng.normal();
      return costs;
    };
    const FeatureMatrix measured = networks(12, 200 + round);
    const FeatureMatrix others = networks(50, 300 + round);
    const auto predictions = fit_bayes_linear(prior, measured, measure(measured))->predict(others);
    const Eigen::VectorXd truths = measure(others);
    for (Eigen::Index i = 0; i < truths.size(); ++i, ++total) {
      const auto& [mean, sd] = predictions[i];
      inside += std::abs(truths[i] - mean) <= 1.645 * sd;
    }
  }
  EXPECT_NEAR(static_cast<double>(inside) / total, 0.9, 0.04);
}

TEST(BayesLinear, IsTheSameAfterWritingAndReading) {
  const FeatureMatrix measured = networks(6, 107);
  const auto model = fit_bayes_linear(execution_prior(two_hypotheses(), sources()), measured,
                                      costs_on(measured, 0, {3, 2, 1}));
  const std::string text = model->to_json().dump();
  const BayesLinear read = BayesLinear::from_json(nlohmann::json::parse(text));
  EXPECT_EQ(read.to_json().dump(), text);
  const FeatureMatrix others = networks(30, 108);
  const auto expected = model->predict(others);
  const auto actual = read.predict(others);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(actual[i].mean, expected[i].mean);
    EXPECT_EQ(actual[i].standard_deviation, expected[i].standard_deviation);
  }
}

TEST(BayesLinear, RefusesDamagedText) {
  const FeatureMatrix measured = networks(6, 109);
  const nlohmann::json good = fit_bayes_linear(execution_prior(two_hypotheses(), {}), measured,
                                               costs_on(measured, 0, {3, 2, 1}))
                                  ->to_json();
  const auto refuses = [&](const char* pointer, const nlohmann::json& value) {
    nlohmann::json bad = good;
    bad[nlohmann::json::json_pointer(pointer)] = value;
    EXPECT_THROW(BayesLinear::from_json(bad), Error) << pointer;
  };
  refuses("/regressor", "other");
  refuses("/version", 99);
  refuses("/least", "low");
  refuses("/hypotheses/0/first/rows", 2);
  refuses("/hypotheses/0/second/values", nlohmann::json::array());
  refuses("/hypotheses/0/projection/rows", -5);
}

TEST(BayesLinear, RefusesCostsThatAreNoneOrNotPositive) {
  const LinearPrior prior = execution_prior(two_hypotheses(), {});
  const FeatureMatrix measured = networks(2, 110);
  EXPECT_THROW(fit_bayes_linear(prior, measured, Eigen::Vector2d(1, 0)), Error);
  EXPECT_THROW(fit_bayes_linear(prior, measured, Eigen::Vector2d(1, std::nan(""))), Error);
  EXPECT_THROW(fit_bayes_linear(prior, measured, Eigen::VectorXd::Ones(3)), Error);
  EXPECT_THROW(fit_bayes_linear(prior, networks(0, 1), Eigen::VectorXd()), Error);
  EXPECT_THROW(fit_bayes_linear(prior, FeatureMatrix::Ones(2, 3), Eigen::Vector2d(1, 1)), Error);
}

TEST(ExecutionPrior, RefusesLayoutsAndSourcesThatTellNothing) {
  EXPECT_THROW(execution_prior({.names = {}, .groups = {}}, {}), Error);
  const std::vector<DeviceCosts> few = {{networks(2, 1), Eigen::Vector2d(1, 2)}};
  EXPECT_THROW(execution_prior(two_hypotheses(), few), Error);
}

/// Density and posterior mean of the targets by their definition, with full covariances.
struct Definition {
  double log_density = 0;
  Eigen::VectorXd mean;
};
Definition by_definition(const LinearComponent& prior, const Eigen::MatrixXd& rows,
                         const Eigen::VectorXd& targets, const Eigen::VectorXd& variances,
                         double scale) {
  Eigen::MatrixXd covariance = rows * prior.covariance * rows.transpose();
  covariance.diagonal() += variances;
  const Eigen::VectorXd residual = targets - scale * rows * prior.mean;
  const Eigen::MatrixXd scaled = scale * scale * covariance;
  const Eigen::VectorXd solved = scaled.llt().solve(residual);
  return {-0.5 * (residual.dot(solved) + std::log((2 * std::numbers::pi * scaled).determinant())),
          scale * prior.mean + scale * scale * prior.covariance * rows.transpose() * solved};
}

TEST(LinearEvidence, IsTheDensityOfTheTargetsForEveryScaleAndSetOfOutliers) {
  LinearPrior prior;
  prior.bases = {{"one", {}}, {"two", {}}};
  const Eigen::MatrixXd covariance = Eigen::Matrix2d{{0.5, 0.1}, {0.1, 0.3}};
  prior.components = {{0, Eigen::Vector2d(1, 0.2), covariance, 0.01, 0.3},
                      {1, Eigen::Vector2d(0.8, 0.1), 0.4 * covariance, 0.03, -0.2}};
  const std::vector<Eigen::MatrixXd> rows = {
      Eigen::Matrix<double, 4, 2>{{1, 2}, {1, 0}, {1, 3}, {1, 1}},
      Eigen::Matrix<double, 4, 2>{{1, 1}, {1, 2}, {1, 0}, {1, 2}}};
  const Eigen::Vector4d targets(1.3, 0.9, 1.9, 1.1);
  Eigen::Vector2d expected[2] = {Eigen::Vector2d::Zero(), Eigen::Vector2d::Zero()};
  double probability[2] = {};
  double total = 0;
  for (const LinearComponent& component : prior.components) {
    for (int outliers = 0; outliers < 16; ++outliers) {
      const int count = std::popcount(static_cast<unsigned>(outliers));
      if (count > 2) continue;
      Eigen::VectorXd variances = Eigen::VectorXd::Constant(4, component.noise_variance);
      for (int i = 0; i < 4; ++i) variances[i] += (outliers >> i & 1) * 0.1;
      for (int step = -5; step <= 5; ++step) {
        const double log_scale = 0.1 * step;
        const Definition definition = by_definition(component, rows[component.basis], targets,
                                                    variances, std::exp(log_scale));
        const double weight = std::exp(definition.log_density + component.log_weight -
                                       0.5 * log_scale * log_scale / (0.25 * 0.25)) *
                              std::pow(0.05, count) * std::pow(0.95, 4 - count);
        expected[component.basis] += weight * definition.mean;
        probability[component.basis] += weight;
        total += weight;
      }
    }
  }
  Eigen::Vector2d actual[2] = {Eigen::Vector2d::Zero(), Eigen::Vector2d::Zero()};
  double actual_probability[2] = {};
  for (const LinearPosterior& posterior : linear_posteriors(prior, rows, targets)) {
    actual[posterior.basis] += posterior.probability * posterior.mean;
    actual_probability[posterior.basis] += posterior.probability;
  }
  for (const int basis : {0, 1}) {
    EXPECT_NEAR(actual_probability[basis], probability[basis] / total, 1e-3);
    EXPECT_NEAR((actual[basis] - expected[basis] / total).norm(), 0, 2e-3);
  }
}

TEST(NextMeasurement, TellsHypothesesApart) {
  const LinearPrior prior = execution_prior(two_hypotheses(), sources());
  FeatureMatrix measured(3, 4);  // all that is there is needed
  measured << 1, 1, 1, 1, 3, 2, 3, 2, 5, 0, 5, 0;
  const auto model = fit_bayes_linear(prior, measured, costs_on(measured, 0, {3, 2, 0.5}));
  FeatureMatrix candidates(4, 4);
  candidates << 2, 1, 2, 1, 4, 1, 4, 1, 5, 1, 0, 1, 3, 3, 3, 3;
  EXPECT_EQ(next_to_measure(*model, candidates, {}, networks(50, 111)), 2);
}

TEST(NextMeasurement, LowersTheMeanVarianceOfThePoolMost) {
  const FeatureMatrix measured = networks(5, 112);
  const FeatureMatrix candidates = networks(20, 113);
  const FeatureMatrix pool = networks(40, 114);
  const auto model = fit_bayes_linear(execution_prior(two_hypotheses(), sources()), measured,
                                      costs_on(measured, 0, {3, 2, 0.6}));
  FeatureMatrix all(60, 4);
  all << candidates, pool;
  const Eigen::MatrixXd before = model->covariance(all, all);
  const auto variance_after = [&](int i) {
    const Eigen::VectorXd column = before.col(i);
    const Eigen::MatrixXd after =
        before - column * column.transpose() / (before(i, i) + model->noise_variance());
    return after.diagonal().tail(40).mean();
  };
  int best = 0;
  for (int i = 1; i < 20; ++i) best = variance_after(i) < variance_after(best) ? i : best;
  EXPECT_EQ(next_to_measure(*model, candidates, {}, pool), best);
}

TEST(NextMeasurement, IsNeverOneThatIsMeasuredAlready) {
  const FeatureMatrix measured = networks(5, 115);
  const auto model = fit_bayes_linear(execution_prior(two_hypotheses(), sources()), measured,
                                      costs_on(measured, 0, {3, 2, 0.6}));
  std::vector<int> taken;
  for (int i = 0; i < 5; ++i) {
    const int next = next_to_measure(*model, measured, taken, measured);
    ASSERT_GE(next, 0);
    EXPECT_EQ(std::ranges::count(taken, next), 0);
    taken.push_back(next);
  }
  EXPECT_EQ(next_to_measure(*model, measured, taken, measured), -1);
}

}  // namespace
}  // namespace hwnas::estimators
