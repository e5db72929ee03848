#include "estimators/lbfgs.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace hwnas::estimators {
namespace {

TEST(Lbfgs, FindsTheMinimumOfRosenbrocksFunction) {
  const auto rosenbrock = [](const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
    const double a = 1 - x[0];
    const double b = x[1] - x[0] * x[0];
    gradient << -2 * a - 400 * x[0] * b, 200 * b;
    return a * a + 100 * b * b;
  };
  const Eigen::VectorXd found = minimise(rosenbrock, Eigen::Vector2d(-1.2, 1), 100);
  EXPECT_NEAR(found[0], 1, 1e-4);
  EXPECT_NEAR(found[1], 1, 1e-4);
}

TEST(Lbfgs, GetsNearerWithMoreIterations) {
  const auto bowl = [](const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
    gradient = 4 * x.array().cube();
    return x.array().pow(4).sum();
  };
  const Eigen::VectorXd start = Eigen::VectorXd::Constant(2, 10);
  const Eigen::VectorXd one = minimise(bowl, start, 1);
  const Eigen::VectorXd many = minimise(bowl, start, 50);
  EXPECT_LT(many.norm(), one.norm());
  EXPECT_LT(one.norm(), start.norm());
}

TEST(Lbfgs, StaysWhereTheFunctionIsDefined) {
  const auto barrier = [](const Eigen::VectorXd& x, Eigen::VectorXd& gradient) {
    if (x[0] <= 0) return std::numeric_limits<double>::infinity();
    gradient[0] = 1 - 1 / x[0];
    return x[0] - std::log(x[0]);
  };
  EXPECT_NEAR(minimise(barrier, Eigen::VectorXd::Constant(1, 5), 100)[0], 1, 1e-3);
}

TEST(Lbfgs, RefusesAStartWhereTheFunctionIsNotDefined) {
  const auto nowhere = [](const Eigen::VectorXd&, Eigen::VectorXd&) {
    return std::numeric_limits<double>::infinity();
  };
  EXPECT_THROW(minimise(nowhere, Eigen::VectorXd::Zero(1), 10), Error);
}

}  // namespace
}  // namespace hwnas::estimators
