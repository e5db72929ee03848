#pragma once

#include <Eigen/Core>
#include <string_view>

#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Quantile .95 of the standard normal distribution: half the width of a Prediction's interval.
constexpr double kNormal95 = 1.6448536269514722;

/// Of at least one value.
double median(Eigen::VectorXd values);

/// Throws InvalidArgument, with `name` of the regressor to be fitted, unless there is one cost a
/// row of features, at least `least` of them, all positive and finite.
void check_measured(std::string_view name, const FeatureMatrix& features,
                    const Eigen::VectorXd& costs, Eigen::Index least);

}  // namespace hwnas::estimators
