#include "estimators/lbfgs.hpp"

#include <lbfgs.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/error.hpp"

namespace hwnas::estimators {

namespace {

/// What the line search gets instead of infinity.
constexpr double kHuge = 1e30;

struct Search {
  const Differentiable& function;
  Eigen::VectorXd best;
  double least = std::numeric_limits<double>::infinity();
};

lbfgsfloatval_t evaluate(void* instance, const lbfgsfloatval_t* x, lbfgsfloatval_t* g, const int n,
                         const lbfgsfloatval_t /*step*/) {
  auto& search = *static_cast<Search*>(instance);
  const Eigen::VectorXd point = Eigen::Map<const Eigen::VectorXd>(x, n);
  Eigen::VectorXd gradient = Eigen::VectorXd::Zero(n);
  const double value = search.function(point, gradient);
  Eigen::Map<Eigen::VectorXd>(g, n) = gradient;
  if (!std::isfinite(value)) return kHuge;
  if (value < search.least) {
    search.least = value;
    search.best = point;
  }
  return value;
}

}  // namespace

Eigen::VectorXd minimise(const Differentiable& function, const Eigen::VectorXd& start,
                         int max_iterations) {
  Search search{.function = function, .best = start};
  lbfgs_parameter_t parameters;
  lbfgs_parameter_init(&parameters);
  parameters.max_iterations = max_iterations;
  // Halves a step that leaves the domain; the default one interpolates and gives up.
  parameters.linesearch = LBFGS_LINESEARCH_BACKTRACKING_STRONG_WOLFE;
  std::vector<double> point(start.begin(), start.end());
  // Why it stopped does not matter: the best point seen is what there is.
  lbfgs(static_cast<int>(point.size()), point.data(), nullptr, evaluate, nullptr, &search,
        &parameters);
  if (!std::isfinite(search.least)) {
    throw invalid_argument("the function to be minimised is not finite at the start");
  }
  return search.best;
}

}  // namespace hwnas::estimators
