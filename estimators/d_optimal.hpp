#pragma once

#include <Eigen/Core>
#include <vector>

namespace hwnas::estimators {

/// Which candidates to measure so that a linear model's weights are known best: greedy D-optimal
/// design (Fedorov, "Theory of Optimal Experiments", 1972). Each step takes the candidate with the
/// largest aᵀM⁻¹a, whose measurement raises det M most, where M = information + Σ aaᵀ over those
/// taken. `candidates` has the basis functions of one a row. `information` is what is known
/// already: 0.01 I for nothing, or the inverse of a prior covariance in units of the noise. Returns
/// `count` different rows, or all; the first of equals. It is a design for linear models: it takes
/// extremes, which mislead others, so give no candidates that are far from all networks of
/// interest. O(count · candidates · functions²).
std::vector<int> d_optimal(const Eigen::MatrixXd& candidates, int count,
                           const Eigen::MatrixXd& information);

}  // namespace hwnas::estimators
