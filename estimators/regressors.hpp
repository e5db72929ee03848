#pragma once

#include <Eigen/Core>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "estimators/bayes_linear.hpp"
#include "estimators/regressor.hpp"

namespace hwnas::estimators {

struct RegressorInfo {
  std::string_view name;
  std::string_view summary;
  /// Throws InvalidArgument for what the regressor's to_json did not write.
  std::unique_ptr<Regressor> (*from_json)(const nlohmann::json& json);
};

/// All regressors: bayes_linear, gaussian_process, boosted_trees, stack, power_times_latency,
/// counts.
std::span<const RegressorInfo> regressors();

/// What Regressor::to_json wrote. Throws InvalidArgument for anything else.
std::unique_ptr<Regressor> regressor_from_json(const nlohmann::json& json);

/// Measurements from which fit_cost_regressor takes a stack.
constexpr Eigen::Index kStackFrom = 30;

/// The regressor that suits the number of measurements: bayes_linear for fewer than kStackFrom,
/// else stack. `costs` are positive, one a row of `features`; `prior` is what is known before, from
/// execution_prior or another maker of priors. Throws as these do.
std::unique_ptr<Regressor> fit_cost_regressor(const FeatureLayout& layout,
                                              const FeatureMatrix& features,
                                              const Eigen::VectorXd& costs,
                                              const LinearPrior& prior);

}  // namespace hwnas::estimators
