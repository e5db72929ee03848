#pragma once

#include <Eigen/Core>
#include <span>
#include <vector>

namespace hwnas::estimators {

/// Rows of one step of cross-validation.
struct Fold {
  std::vector<Eigen::Index> others;     ///< to fit to
  std::vector<Eigen::Index> held_back;  ///< to judge by
};

/// Every row is held back in one of `count` folds: row i in fold i mod count. 1 < count ≤ rows.
std::vector<Fold> folds(Eigen::Index rows, int count);

/// What to multiply standard deviations with, so that mean ± 1.645 standard deviations is a central
/// 90 % interval of new measurements: `scores` are |measurement − mean| / standard deviation of
/// networks held back. It is their quantile at 0.9 · (n + 1) of n, which makes the interval hold a
/// new measurement with probability .9 if it is exchangeable with them (cross-conformal
/// prediction: Vovk, "Cross-Conformal Predictors", Annals of Mathematics and Artificial
/// Intelligence 2015), interpolated between the two scores next to it. At least 9 scores; the more,
/// the less the interval varies.
double conformal_scale(std::vector<double> scores);

}  // namespace hwnas::estimators
