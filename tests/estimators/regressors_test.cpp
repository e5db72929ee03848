#include "estimators/regressors.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "estimators/boosted_trees.hpp"
#include "estimators/gaussian_process.hpp"
#include "estimators/kernel_latency.hpp"
#include "estimators/linear_prior.hpp"
#include "estimators/power_times_latency.hpp"
#include "estimators/stack.hpp"
#include "tests/estimators/synthetic_device.hpp"

namespace hwnas::estimators {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr int kMeasured = 40;

std::unique_ptr<Regressor> fit(std::string_view name, const SyntheticDevice& device) {
  const LinearPrior prior = execution_prior(device.layout, {});
  if (name == BayesLinear::kName) return fit_bayes_linear(prior, device.features, device.costs);
  if (name == GaussianProcess::kName) {
    return fit_gaussian_process(device.layout, device.features, device.costs);
  }
  if (name == BoostedTrees::kName) return fit_boosted_trees(device.features, device.costs);
  if (name == CountRegressor::kName) {
    return fit_counts(device.features,
                      {device.costs.data(), static_cast<std::size_t>(device.costs.size())});
  }
  if (name == PowerTimesLatency::kName) {
    return fit_power(fit_bayes_linear(prior, device.features, device.costs), device.costs,
                     device.costs);
  }
  return fit_stack(device.layout, device.features, device.costs, prior);
}

/// Every regressor of the registry.
class AnyRegressor : public testing::TestWithParam<RegressorInfo> {
 protected:
  SyntheticDevice measured_ = synthetic_device(kMeasured, 0.02, 1);
  SyntheticDevice others_ = synthetic_device(400, 0.02, 2);
  std::unique_ptr<Regressor> model_ = fit(GetParam().name, measured_);
};

TEST_P(AnyRegressor, PredictsNetworksItHasNotSeen) {
  EXPECT_LT(mean_relative_error(model_->predict(others_.features), others_.truths), 0.1);
}

TEST_P(AnyRegressor, IsEqualReadBackFromItsText) {
  const auto again = regressor_from_json(nlohmann::json::parse(model_->to_json().dump()));
  EXPECT_EQ(again->name(), GetParam().name);
  const auto expected = model_->predict(others_.features);
  const auto actual = again->predict(others_.features);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual[i].mean, expected[i].mean, 1e-9 * expected[i].mean);
    EXPECT_NEAR(actual[i].standard_deviation, expected[i].standard_deviation,
                1e-6 * expected[i].standard_deviation);
  }
}

TEST_P(AnyRegressor, IsTheSameFromTheSameMeasurements) {
  EXPECT_EQ(fit(GetParam().name, measured_)->to_json().dump(), model_->to_json().dump());
}

TEST_P(AnyRegressor, PredictsEachRowAlikeAloneAndAmongOthers) {
  const auto together = model_->predict(others_.features);
  const auto alone = model_->predict(others_.features.bottomRows(1));
  EXPECT_NEAR(alone[0].mean, together.back().mean, 1e-9 * together.back().mean);
}

TEST_P(AnyRegressor, ScalesWithTheUnitOfTheCosts) {
  SyntheticDevice in_microseconds = measured_;
  in_microseconds.costs *= 1000;
  const auto expected = model_->predict(others_.features);
  const auto actual = fit(GetParam().name, in_microseconds)->predict(others_.features);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual[i].mean, 1000 * expected[i].mean, expected[i].mean);
  }
}

TEST_P(AnyRegressor, RefusesTextOfAnotherVersion) {
  auto json = model_->to_json();
  json["version"] = 99;
  EXPECT_THAT([&] { regressor_from_json(json); }, ThrowsMessage<Error>(HasSubstr("version 99")));
}

TEST_P(AnyRegressor, RefusesTextThatLacksAnything) {
  const auto json = model_->to_json();
  for (const auto& [key, value] : json.items()) {
    auto part = json;
    part.erase(key);
    EXPECT_THROW(regressor_from_json(part), Error) << key;
  }
}

TEST_P(AnyRegressor, RefusesACostThatIsNotPositive) {
  measured_.costs[3] = -1;
  EXPECT_THAT([&] { fit(GetParam().name, measured_); },
              ThrowsMessage<Error>(HasSubstr("cost 3 is -1")));
}

TEST_P(AnyRegressor, RefusesOneCostTooFew) {
  measured_.costs.conservativeResize(kMeasured - 1);
  EXPECT_THROW(fit(GetParam().name, measured_), Error);
}

INSTANTIATE_TEST_SUITE_P(All, AnyRegressor, testing::ValuesIn(regressors()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Regressors, AreFoundByName) {
  EXPECT_THAT(
      [] {
        regressor_from_json({{"regressor", "oracle"}});
      },
      ThrowsMessage<Error>(HasSubstr("no regressor 'oracle'; there are bayes_linear")));
  EXPECT_THROW(regressor_from_json("text"), Error);
}

TEST(FitCostRegressor, StacksFromThirtyMeasurementsOn) {
  const SyntheticDevice device = synthetic_device(30, 0.02, 1);
  const LinearPrior prior = execution_prior(device.layout, {});
  const auto many = fit_cost_regressor(device.layout, device.features, device.costs, prior);
  EXPECT_EQ(many->name(), "stack");
  const auto few =
      fit_cost_regressor(device.layout, device.features.topRows(29), device.costs.head(29), prior);
  EXPECT_EQ(few->name(), "bayes_linear");
}

TEST(GaussianProcess, LearnsWhatIsNotAdditive) {
  const SyntheticDevice measured = synthetic_device(60, 0.01, 1);
  const SyntheticDevice others = synthetic_device(400, 0, 2);
  const auto linear = fit_gaussian_process(measured.layout, measured.features, measured.costs,
                                           CovarianceKind::kLinear);
  const auto smooth = fit_gaussian_process(measured.layout, measured.features, measured.costs);
  const double of_linear = mean_relative_error(linear->predict(others.features), others.truths);
  const double of_smooth = mean_relative_error(smooth->predict(others.features), others.truths);
  EXPECT_LT(of_smooth, 0.3 * of_linear);
}

TEST(GaussianProcess, IsNotMovedByOutliers) {
  SyntheticDevice measured = synthetic_device(60, 0.01, 1);
  const SyntheticDevice others = synthetic_device(400, 0, 2);
  for (Eigen::Index i = 0; i < 60; i += 10) measured.costs[i] *= 3;
  const auto model = fit_gaussian_process(measured.layout, measured.features, measured.costs);
  EXPECT_LT(mean_relative_error(model->predict(others.features), others.truths), 0.03);
}

TEST(GaussianProcess, UsesMeasurementsBeyondThoseThatTuneIt) {
  const SyntheticDevice measured = synthetic_device(1000, 0.1, 1);
  const SyntheticDevice others = synthetic_device(400, 0, 2);
  const auto some = fit_gaussian_process(measured.layout, measured.features.topRows(200),
                                         measured.costs.head(200));
  const auto all = fit_gaussian_process(measured.layout, measured.features, measured.costs);
  EXPECT_LT(mean_relative_error(all->predict(others.features), others.truths),
            mean_relative_error(some->predict(others.features), others.truths));
}

TEST(GaussianProcess, IsLessCertainFarFromWhatWasMeasured) {
  const SyntheticDevice measured = synthetic_device(60, 0.01, 1);
  const auto model = fit_gaussian_process(measured.layout, measured.features, measured.costs);
  FeatureMatrix far = measured.features.topRows(1);
  far.leftCols(3) *= 10;
  const auto near = model->predict(measured.features.topRows(1));
  EXPECT_GT(model->predict(far)[0].standard_deviation, 3 * near[0].standard_deviation);
}

TEST(GaussianProcess, RefusesRowsOfOtherColumns) {
  const SyntheticDevice measured = synthetic_device(30, 0.01, 1);
  const auto model = fit_gaussian_process(measured.layout, measured.features, measured.costs);
  EXPECT_THAT([&] { model->predict(measured.features.leftCols(3)); },
              ThrowsMessage<Error>(HasSubstr("3 columns; it was fitted to 16")));
}

TEST(PowerTimesLatency, IsTheMedianPowerTimesTheLatency) {
  const SyntheticDevice measured = synthetic_device(40, 0.02, 1);
  const LinearPrior prior = execution_prior(measured.layout, {});
  const auto latency = fit_bayes_linear(prior, measured.features, measured.costs);
  const auto expected = latency->predict(measured.features.topRows(1))[0];
  const Eigen::Vector3d latencies(1, 2, 4);
  const Eigen::Vector3d energies(5, 10, 24);  // powers 5, 5 and 6
  const auto energy =
      fit_power(fit_bayes_linear(prior, measured.features, measured.costs), latencies, energies);
  const auto actual = energy->predict(measured.features.topRows(1))[0];
  EXPECT_DOUBLE_EQ(energy->power(), 5);
  EXPECT_DOUBLE_EQ(actual.mean, 5 * expected.mean);
  EXPECT_GT(actual.standard_deviation, 5 * expected.standard_deviation);
}

TEST(PowerTimesLatency, NeedsThreeEnergies) {
  const SyntheticDevice measured = synthetic_device(40, 0.02, 1);
  const LinearPrior prior = execution_prior(measured.layout, {});
  EXPECT_THROW(fit_power(fit_bayes_linear(prior, measured.features, measured.costs),
                         Eigen::Vector2d(1, 2), Eigen::Vector2d(1, 2)),
               Error);
}

TEST(Stack, WeighsWhatPredictsBest) {
  const SyntheticDevice measured = synthetic_device(80, 0.01, 1);
  const LinearPrior prior = execution_prior(measured.layout, {});
  const auto stack = fit_stack(measured.layout, measured.features, measured.costs, prior);
  double linear = 0;
  double total = 0;
  for (const Stack::Member& member : stack->members()) {
    total += member.weight;
    const bool is_linear = member.label.find("linear") != std::string::npos;
    if (is_linear) linear += member.weight;
  }
  EXPECT_NEAR(total, 1, 1e-12);
  EXPECT_LT(linear, 0.3);
}

TEST(Stack, HasTreesWhereThereAreEnoughMeasurements) {
  const SyntheticDevice measured = synthetic_device(300, 0.05, 1);
  const LinearPrior prior = execution_prior(measured.layout, {});
  const auto stack = fit_stack(measured.layout, measured.features, measured.costs, prior);
  EXPECT_EQ(stack->members().back().label, "boosted_trees");
}

TEST(Stack, CoversNineInTenOfNewMeasurements) {
  double covered = 0;
  constexpr int kDraws = 8;
  const SyntheticDevice others = synthetic_device(400, 0.05, 100);
  for (int draw = 0; draw < kDraws; ++draw) {
    const SyntheticDevice measured = synthetic_device(50, 0.05, draw);
    const LinearPrior prior = execution_prior(measured.layout, {});
    const auto stack = fit_stack(measured.layout, measured.features, measured.costs, prior);
    covered += coverage(stack->predict(others.features), others.costs) / kDraws;
  }
  EXPECT_NEAR(covered, 0.9, 0.03);
}

}  // namespace
}  // namespace hwnas::estimators
