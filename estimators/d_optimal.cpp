#include "estimators/d_optimal.hpp"

#include <Eigen/Cholesky>
#include <algorithm>

namespace hwnas::estimators {

std::vector<int> d_optimal(const Eigen::MatrixXd& candidates, int count,
                           const Eigen::MatrixXd& information) {
  Eigen::MatrixXd covariance =
      information.llt().solve(Eigen::MatrixXd::Identity(information.rows(), information.cols()));
  std::vector<int> chosen;
  std::vector<bool> taken(static_cast<std::size_t>(candidates.rows()));
  count = std::min(count, static_cast<int>(candidates.rows()));
  while (static_cast<int>(chosen.size()) < count) {
    const Eigen::VectorXd gains =
        (candidates * covariance).cwiseProduct(candidates).rowwise().sum();
    int best = -1;
    for (int i = 0; i < gains.size(); ++i) {
      if (!taken[i] && (best < 0 || gains[i] > gains[best])) best = i;
    }
    taken[best] = true;
    chosen.push_back(best);
    const Eigen::VectorXd direction = covariance * candidates.row(best).transpose();
    covariance -= direction * direction.transpose() / (1 + gains[best]);
  }
  return chosen;
}

}  // namespace hwnas::estimators
