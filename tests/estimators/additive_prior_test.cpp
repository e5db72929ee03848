#include "estimators/additive_prior.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "estimators/rank_statistics.hpp"

namespace hwnas::estimators {
namespace {

constexpr int kLayers = 8;
constexpr int kOptions = 4;
constexpr int kColumns = kLayers * kOptions;

/// One-hot options, and how often each is taken.
FeatureLayout chain() {
  FeatureLayout layout{.names = std::vector<std::string>(kColumns + kOptions, "x"),
                       .groups = {{"one_hot", FeatureRole::kEncoding, 0, kColumns},
                                  {"counts", FeatureRole::kExecution, kColumns, kOptions}}};
  return layout;
}

FeatureMatrix networks(int count, std::uint64_t seed) {
  Rng rng(seed);
  FeatureMatrix features = FeatureMatrix::Zero(count, kColumns + kOptions);
  for (int i = 0; i < count; ++i) {
    for (int layer = 0; layer < kLayers; ++layer) {
      const auto option = static_cast<int>(rng.index(kOptions));
      features(i, layer * kOptions + option) = 1;
      features(i, kColumns + option) += 1;
    }
  }
  return features;
}

/// Devices mix two kinds of work that each layer's options ask for.
Eigen::VectorXd costs_on(const FeatureMatrix& features, double first, double second) {
  Rng rng(9);
  Eigen::VectorXd weights(kColumns);
  for (double& weight : weights) weight = first * rng.uniform() + second * rng.uniform();
  return (features.leftCols(kColumns) * weights).array() + 1;
}

std::vector<DeviceCosts> sources() {
  std::vector<DeviceCosts> result;
  for (int i = 0; i < 5; ++i) {
    const FeatureMatrix features = networks(150, static_cast<std::uint64_t>(i));
    result.push_back({features, costs_on(features, 1 + i, 5 - i)});
  }
  return result;
}

TEST(AdditivePrior, LearnsAChainOfLayersFromFewerMeasurementsThanItHasLayers) {
  const LinearPrior prior = additive_prior(chain(), sources());
  const FeatureMatrix measured = networks(6, 50);
  const FeatureMatrix others = networks(300, 51);
  const Eigen::VectorXd truths = costs_on(others, 40, 95);
  const auto predictions =
      fit_bayes_linear(prior, measured, costs_on(measured, 40, 95))->predict(others);
  const Agreement result = agreement(predictions, {truths.data(), predictions.size()});
  EXPECT_GT(result.spearman, 0.98);
  EXPECT_LT(result.mape, 0.02);
}

TEST(AdditivePrior, HasAConstantAndAFunctionForTheMeanOfTheSources) {
  const LinearPrior prior = additive_prior(chain(), sources());
  const FeatureMatrix pool = sources().front().features;
  const Eigen::MatrixXd& projection = prior.bases.front().projection;
  Eigen::MatrixXd functions = pool * projection.bottomRows(pool.cols());
  functions.rowwise() += projection.row(0);
  EXPECT_NEAR((functions.col(0).array() - 1).abs().maxCoeff(), 0, 1e-12);
  for (Eigen::Index i = 1; i < functions.cols(); ++i) {
    EXPECT_NEAR(functions.col(i).mean(), 0, 1e-9) << i;
    EXPECT_NEAR(functions.col(i).squaredNorm() / 150, 1, 1e-9) << i;
  }
  for (const LinearComponent& component : prior.components) EXPECT_GT(component.mean[1], 0);
}

TEST(AdditivePrior, RefusesTooLittleToLearnFrom) {
  EXPECT_THROW(additive_prior(chain(), {}), Error);
  const std::vector<DeviceCosts> few = {{networks(20, 1), Eigen::VectorXd::Ones(20)}};
  EXPECT_THROW(additive_prior(chain(), few), Error);
  FeatureLayout counts_only = chain();
  counts_only.groups.erase(counts_only.groups.begin());
  EXPECT_THROW(additive_prior(counts_only, sources()), Error);
}

}  // namespace
}  // namespace hwnas::estimators
