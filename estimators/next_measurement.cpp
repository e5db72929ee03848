#include "estimators/next_measurement.hpp"

#include <algorithm>

namespace hwnas::estimators {

int next_to_measure(const BayesLinear& model, const FeatureMatrix& candidates,
                    const std::vector<int>& measured, const FeatureMatrix& pool) {
  const Eigen::MatrixXd covariance = model.covariance(candidates, pool);
  int best = -1;
  double best_gain = -1;
  for (int i = 0; i < candidates.rows(); ++i) {
    if (std::ranges::find(measured, i) != measured.end()) continue;
    const FeatureMatrix candidate = candidates.row(i);
    const double variance = model.covariance(candidate, candidate)(0, 0) + model.noise_variance();
    const double gain = covariance.row(i).squaredNorm() / variance;
    if (gain > best_gain) {
      best = i;
      best_gain = gain;
    }
  }
  return best;
}

}  // namespace hwnas::estimators
