#pragma once

#include <Eigen/Core>
#include <span>

#include "estimators/bayes_linear.hpp"
#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Costs of networks on a device that is known well.
struct DeviceCosts {
  FeatureMatrix features;
  Eigen::VectorXd costs;  ///< positive, one a row
};

/// What devices have in common whose cost is a sum over the operators they execute. Groups of role
/// kExecution are the hypotheses. Least squares in costs over their median give each source device
/// its weights of the constant and the columns, and its vote for the hypothesis that fits it best.
/// Each hypothesis has (votes + 1) / (sources + hypotheses) of the prior, and of its weights a mean
/// (that of its voters and half a vote for that of all sources) and a covariance (that of its
/// voters, from three on, or of all sources). Tight, widened and flat versions of it are
/// components, each with seven levels of noise, all equally likely.
///
/// Without sources, all hypotheses are alike, the weights are 0 ± 1 and the constant is 1 ± 1.
/// Throws InvalidArgument if the layout has no group of that role or a source has fewer rows than
/// weights.
LinearPrior execution_prior(const FeatureLayout& layout, std::span<const DeviceCosts> sources);

}  // namespace hwnas::estimators
