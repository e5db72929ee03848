#include "estimators/covariance.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "tests/estimators/synthetic_device.hpp"

namespace hwnas::estimators {
namespace {

class CovarianceOfKind : public testing::TestWithParam<CovarianceKind> {
 protected:
  SyntheticDevice device_ = synthetic_device(12, 0, 1);
  Covariance covariance_{device_.layout, device_.features, GetParam()};
  Covariance::Rows rows_ = covariance_.prepare(device_.features);
  Covariance::Products products_ = covariance_.products(rows_, rows_);
  /// Off the means, where some factors of the gradient are 1.
  Eigen::VectorXd logs_ = covariance_.prior_means().array() + 0.3;
};

TEST_P(CovarianceOfKind, HasTheGradientOfItsFiniteDifferences) {
  constexpr double kStep = 1e-6;
  const Eigen::MatrixXd weights = Eigen::MatrixXd::Random(12, 12);
  const Eigen::VectorXd gradient = covariance_.gradient(products_, logs_, weights);
  for (Eigen::Index i = 0; i < logs_.size(); ++i) {
    Eigen::VectorXd up = logs_;
    Eigen::VectorXd down = logs_;
    up[i] += kStep;
    down[i] -= kStep;
    const Eigen::MatrixXd difference =
        covariance_.value(products_, up) - covariance_.value(products_, down);
    EXPECT_NEAR(gradient[i], weights.cwiseProduct(difference).sum() / (2 * kStep), 1e-6) << i;
  }
}

TEST_P(CovarianceOfKind, HasItsVariancesOnTheDiagonal) {
  const Eigen::VectorXd diagonal = covariance_.value(products_, logs_).diagonal();
  EXPECT_TRUE(covariance_.variances(rows_, logs_).isApprox(diagonal));
}

TEST_P(CovarianceOfKind, IsTheSameReadBack) {
  const auto text = covariance_.to_json().dump();
  const auto again = Covariance::from_json(nlohmann::json::parse(text));
  const auto rows = again.prepare(device_.features);
  EXPECT_EQ(again.value(again.products(rows, rows), logs_), covariance_.value(products_, logs_));
}

INSTANTIATE_TEST_SUITE_P(All, CovarianceOfKind,
                         testing::Values(CovarianceKind::kLinear, CovarianceKind::kSmooth,
                                         CovarianceKind::kStructural));

TEST(Covariance, IsByHandWhatItsFormulaSays) {
  FeatureLayout layout{.names = {"a", "b"},
                       .groups = {{"counts", FeatureRole::kExecution, 0, 1},
                                  {"encoding", FeatureRole::kEncoding, 1, 1}}};
  const FeatureMatrix features{{1, 0}, {3, 4}};  // standardised: -1 and 1 in each column
  const Covariance covariance(layout, features, CovarianceKind::kSmooth);
  // Terms: linear in a, radial in b, radial in a.
  ASSERT_EQ(covariance.parameters(), 6);
  const Eigen::VectorXd logs =
      (Eigen::VectorXd(6) << 0.1, 2, 0.5, 1, 0.25, 2).finished().array().log();
  const auto rows = covariance.prepare(features);
  const Eigen::MatrixXd value = covariance.value(covariance.products(rows, rows), logs);
  EXPECT_NEAR(value(0, 0), 0.1 + 2 + 0.5 + 0.25, 1e-12);
  EXPECT_NEAR(value(0, 1), 0.1 - 2 + 0.5 * std::exp(-2) + 0.25 * std::exp(-0.5), 1e-12);
}

TEST(Covariance, RefusesNetworksThatAreAllEqual) {
  const SyntheticDevice device = synthetic_device(1, 0, 1);
  const FeatureMatrix equal = device.features.replicate(4, 1);
  EXPECT_THROW(Covariance(device.layout, equal, CovarianceKind::kSmooth), Error);
}

}  // namespace
}  // namespace hwnas::estimators
