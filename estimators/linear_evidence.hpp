#pragma once

#include <Eigen/Core>
#include <vector>

#include "estimators/bayes_linear.hpp"

namespace hwnas::estimators {

/// One belief on the weights of a basis after the measurements.
struct LinearPosterior {
  int basis = 0;
  double probability = 0;
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  double noise_variance = 0;  ///< of a measurement that is no outlier
};

/// What measured costs (`targets`, relative to a guess of the device's typical cost) make of a
/// prior; rows[b] are the networks in the functions of basis b. Averaged over, besides the prior's
/// components:
/// - the device's typical cost, log-normal around the guess, on a grid;
/// - which measurements are outliers, such as throttling makes: each is one with probability 0.05,
///   and then its variance is larger by 0.1. Sets of at most two are looked at among up to 32
///   measurements, of at most one among up to 128, and none beyond.
/// Probabilities sum up to 1; those below 1e-4 of the largest are left out.
std::vector<LinearPosterior> linear_posteriors(const LinearPrior& prior,
                                               const std::vector<Eigen::MatrixXd>& rows,
                                               const Eigen::VectorXd& targets);

}  // namespace hwnas::estimators
