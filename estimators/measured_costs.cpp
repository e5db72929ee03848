#include "estimators/measured_costs.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"

namespace hwnas::estimators {

double median(Eigen::VectorXd values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

void check_measured(std::string_view name, const FeatureMatrix& features,
                    const Eigen::VectorXd& costs, Eigen::Index least) {
  if (costs.size() < least || costs.size() != features.rows()) {
    throw invalid_argument("{}: {} costs of {} networks; give one each, at least {}", name,
                           costs.size(), features.rows(), least);
  }
  for (Eigen::Index i = 0; i < costs.size(); ++i) {
    if (!(costs[i] > 0) || !std::isfinite(costs[i])) {
      throw invalid_argument("{}: cost {} is {}; leave out networks that did not run", name, i,
                             costs[i]);
    }
  }
}

}  // namespace hwnas::estimators
