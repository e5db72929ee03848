#include "estimators/linear_prior.hpp"

#include <Eigen/QR>
#include <algorithm>

#include "core/error.hpp"

namespace hwnas::estimators {

namespace {

constexpr double kNoiseVariances[] = {1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2};
constexpr double kWidenings[] = {1, 10, 100};
constexpr double kJitter = 5e-5;
constexpr double kConstantSd = 0.3;  // what widened priors add: of the constant …
constexpr double kWeightSd = 0.05;   // … and of the other weights

double median(Eigen::VectorXd values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// The constant and the columns of a group.
LinearBasis basis_of(const FeatureLayout& layout, const FeatureGroup& group) {
  LinearBasis basis{.name = group.name, .projection = {}};
  basis.projection.setZero(std::ssize(layout.names) + 1, group.size + 1);
  basis.projection(0, 0) = 1;
  basis.projection.block(group.begin + 1, 1, group.size, group.size).setIdentity();
  return basis;
}

Eigen::VectorXd fitted_weights(const FeatureGroup& group, const DeviceCosts& source) {
  if (source.costs.size() <= group.size) {
    throw invalid_argument("a source device has {} networks, too few for {} weights of '{}'",
                           source.costs.size(), group.size + 1, group.name);
  }
  Eigen::MatrixXd rows(source.costs.size(), group.size + 1);
  rows.col(0).setOnes();
  rows.rightCols(group.size) = source.features.middleCols(group.begin, group.size);
  return rows.completeOrthogonalDecomposition().solve(source.costs / median(source.costs));
}

struct Belief {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

Belief belief_of(const FeatureGroup& group, std::span<const DeviceCosts> sources) {
  Eigen::MatrixXd weights(std::ssize(sources), group.size + 1);
  for (Eigen::Index i = 0; i < weights.rows(); ++i) {
    weights.row(i) = fitted_weights(group, sources[static_cast<std::size_t>(i)]);
  }
  const Eigen::RowVectorXd mean = weights.colwise().mean();
  const Eigen::MatrixXd centred = weights.rowwise() - mean;
  Eigen::MatrixXd covariance =
      centred.transpose() * centred / std::max(1.0, static_cast<double>(weights.rows() - 1));
  covariance.diagonal().array() += kJitter;
  return {mean.transpose(), covariance};
}

std::vector<Eigen::MatrixXd> widened(const Eigen::MatrixXd& covariance) {
  Eigen::VectorXd added = Eigen::VectorXd::Constant(covariance.rows(), kWeightSd * kWeightSd);
  added[0] = kConstantSd * kConstantSd;
  std::vector<Eigen::MatrixXd> result;
  for (const double factor : kWidenings) {
    result.push_back(factor * covariance);
    if (factor > 1) result.back().diagonal() += added;
  }
  result.push_back(Eigen::MatrixXd::Identity(covariance.rows(), covariance.cols()));
  return result;
}

}  // namespace

LinearPrior execution_prior(const FeatureLayout& layout, std::span<const DeviceCosts> sources) {
  LinearPrior prior;
  for (const FeatureGroup& group : layout.groups) {
    if (group.role != FeatureRole::kExecution) continue;
    const int basis = static_cast<int>(prior.bases.size());
    prior.bases.push_back(basis_of(layout, group));
    Belief belief{Eigen::VectorXd::Unit(group.size + 1, 0), {}};
    std::vector<Eigen::MatrixXd> covariances = {
        Eigen::MatrixXd::Identity(group.size + 1, group.size + 1)};
    if (!sources.empty()) {
      belief = belief_of(group, sources);
      covariances = widened(belief.covariance);
    }
    for (const Eigen::MatrixXd& covariance : covariances) {
      for (const double noise_variance : kNoiseVariances) {
        prior.components.push_back({basis, belief.mean, covariance, noise_variance, 0});
      }
    }
  }
  if (prior.bases.empty()) {
    throw invalid_argument("the features have no group of what a device executes");
  }
  return prior;
}

}  // namespace hwnas::estimators
