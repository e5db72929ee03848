#include "estimators/linear_prior.hpp"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <iterator>
#include <vector>

#include "core/error.hpp"

namespace hwnas::estimators {

namespace {

constexpr double kNoiseVariances[] = {1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2};
constexpr double kWidenings[] = {1, 10, 100};
constexpr double kJitter = 5e-5;
constexpr double kShareOfAll = 0.5;  // votes
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

/// The weights of one group on each source, a row each, and the mean squared residuals.
struct Fits {
  Eigen::MatrixXd weights;
  Eigen::VectorXd residuals;
};

Fits fit_sources(const FeatureGroup& group, std::span<const DeviceCosts> sources) {
  Fits fits{Eigen::MatrixXd(std::ssize(sources), group.size + 1),
            Eigen::VectorXd(std::ssize(sources))};
  for (Eigen::Index i = 0; i < std::ssize(sources); ++i) {
    const DeviceCosts& source = sources[static_cast<std::size_t>(i)];
    if (source.costs.size() <= group.size) {
      throw invalid_argument("a source device has {} networks, too few for {} weights of '{}'",
                             source.costs.size(), group.size + 1, group.name);
    }
    Eigen::MatrixXd rows(source.costs.size(), group.size + 1);
    rows.col(0).setOnes();
    rows.rightCols(group.size) = source.features.middleCols(group.begin, group.size);
    const Eigen::VectorXd targets = source.costs / median(source.costs);
    fits.weights.row(i) = rows.completeOrthogonalDecomposition().solve(targets);
    fits.residuals[i] = (targets - rows * fits.weights.row(i).transpose()).squaredNorm() /
                        static_cast<double>(targets.size());
  }
  return fits;
}

/// By hypothesis, the sources that it fits best.
std::vector<std::vector<int>> voters_of(const std::vector<Fits>& hypotheses) {
  std::vector<std::vector<int>> voters(hypotheses.size());
  for (int source = 0; source < hypotheses.front().residuals.size(); ++source) {
    const auto best = std::ranges::min_element(
        hypotheses, {}, [&](const Fits& fits) { return fits.residuals[source]; });
    voters[best - hypotheses.begin()].push_back(source);
  }
  return voters;
}

Eigen::MatrixXd covariance_of(const Eigen::MatrixXd& weights) {
  const Eigen::MatrixXd centred = weights.rowwise() - weights.colwise().mean();
  Eigen::MatrixXd covariance =
      centred.transpose() * centred / std::max(1.0, static_cast<double>(weights.rows() - 1));
  covariance.diagonal().array() += kJitter;
  return covariance;
}

struct Belief {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

Belief belief_of(const Eigen::MatrixXd& weights, const std::vector<int>& voters) {
  const Eigen::MatrixXd voted = weights(voters, Eigen::all);
  const Eigen::RowVectorXd mean = (voted.colwise().sum() + kShareOfAll * weights.colwise().mean()) /
                                  (static_cast<double>(voters.size()) + kShareOfAll);
  return {mean.transpose(), covariance_of(voters.size() >= 3 ? voted : weights)};
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
  std::vector<FeatureGroup> groups;
  std::ranges::copy_if(layout.groups, std::back_inserter(groups), [](const FeatureGroup& group) {
    return group.role == FeatureRole::kExecution;
  });
  if (groups.empty()) {
    throw invalid_argument("the features have no group of what a device executes");
  }
  std::vector<Fits> fits;
  for (const FeatureGroup& group : groups) fits.push_back(fit_sources(group, sources));
  const std::vector<std::vector<int>> voters = voters_of(fits);
  LinearPrior prior;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const int weights = groups[i].size + 1;
    prior.bases.push_back(basis_of(layout, groups[i]));
    Belief belief{Eigen::VectorXd::Unit(weights, 0), {}};
    std::vector<Eigen::MatrixXd> covariances = {Eigen::MatrixXd::Identity(weights, weights)};
    if (!sources.empty()) {
      belief = belief_of(fits[i].weights, voters[i]);
      covariances = widened(belief.covariance);
    }
    const double log_weight = std::log(static_cast<double>(voters[i].size()) + 1);
    for (const Eigen::MatrixXd& covariance : covariances) {
      for (const double noise_variance : kNoiseVariances) {
        prior.components.push_back(
            {static_cast<int>(i), belief.mean, covariance, noise_variance, log_weight});
      }
    }
  }
  return prior;
}

}  // namespace hwnas::estimators
