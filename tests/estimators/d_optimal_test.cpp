#include "estimators/d_optimal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/LU>
#include <algorithm>

#include "core/rng.hpp"

namespace hwnas::estimators {
namespace {

Eigen::MatrixXd random_rows(int rows, int columns, std::uint64_t seed) {
  Rng rng(seed);
  Eigen::MatrixXd result(rows, columns);
  for (double& x : result.reshaped()) x = rng.normal();
  return result;
}

TEST(DOptimal, TakesWhatRaisesTheDeterminantMost) {
  const Eigen::MatrixXd rows = random_rows(40, 4, 1);
  Eigen::MatrixXd information = 0.01 * Eigen::MatrixXd::Identity(4, 4);
  std::vector<int> taken;
  for (const int chosen : d_optimal(rows, 12, information)) {
    const auto with = [&](int i) -> double {
      return (information + rows.row(i).transpose() * rows.row(i)).determinant();
    };
    for (int i = 0; i < rows.rows(); ++i) {
      if (std::ranges::count(taken, i) > 0) continue;
      EXPECT_LE(with(i), with(chosen) * (1 + 1e-9));
    }
    taken.push_back(chosen);
    information += rows.row(chosen).transpose() * rows.row(chosen);
  }
}

TEST(DOptimal, TakesNoRowTwiceAndAllIfAskedForMore) {
  std::vector<int> chosen =
      d_optimal(random_rows(7, 3, 2), 20, 0.01 * Eigen::MatrixXd::Identity(3, 3));
  std::ranges::sort(chosen);
  EXPECT_THAT(chosen, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(DOptimal, TakesTheFirstOfEquals) {
  const Eigen::MatrixXd rows = Eigen::MatrixXd::Ones(5, 2);
  EXPECT_THAT(d_optimal(rows, 2, Eigen::MatrixXd::Identity(2, 2)), testing::ElementsAre(0, 1));
}

TEST(DOptimal, LeavesOutWhatIsKnown) {
  Eigen::MatrixXd rows(2, 2);
  rows << 2, 0, 0, 1;
  const Eigen::MatrixXd knows_first = Eigen::Vector2d(100, 0.01).asDiagonal();
  EXPECT_THAT(d_optimal(rows, 1, knows_first), testing::ElementsAre(1));
}

}  // namespace
}  // namespace hwnas::estimators
