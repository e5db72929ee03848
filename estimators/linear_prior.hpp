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

/// What devices have in common whose cost is a sum over the operators they execute: for each group
/// of role kExecution the weights of the constant and its columns, fitted to each source device by
/// least squares in costs over their median, give a normal distribution. Tight, widened and flat
/// versions of it are components, each with seven levels of noise, all equally likely.
/// Without sources, the weights are 0 ± 1 and the constant is 1 ± 1. Throws InvalidArgument if the
/// layout has no group of that role or a source has fewer rows than weights.
LinearPrior execution_prior(const FeatureLayout& layout, std::span<const DeviceCosts> sources);

}  // namespace hwnas::estimators
