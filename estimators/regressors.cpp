#include "estimators/regressors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.hpp"
#include "core/text.hpp"
#include "estimators/boosted_trees.hpp"
#include "estimators/gaussian_process.hpp"
#include "estimators/kernel_latency.hpp"
#include "estimators/power_times_latency.hpp"
#include "estimators/stack.hpp"

namespace hwnas::estimators {

namespace {

template <typename Model>
std::unique_ptr<Regressor> read(const nlohmann::json& json) {
  return std::make_unique<Model>(Model::from_json(json));
}

constexpr RegressorInfo kRegressors[] = {
    {BayesLinear::kName, "linear in the executed operators, from a prior; 1 measurement and more",
     read<BayesLinear>},
    {GaussianProcess::kName, "linear and smooth, robust to outliers; 30 to 2,000 measurements",
     read<GaussianProcess>},
    {BoostedTrees::kName, "gradient-boosted trees; 300 measurements and more", read<BoostedTrees>},
    {Stack::kName, "all others, weighed by cross-validation; 30 measurements and more",
     read<Stack>},
    {PowerTimesLatency::kName, "energy: a device's power times a latency; 3 energies and more",
     read<PowerTimesLatency>},
    {CountRegressor::kName, "a sum of counts times costs of 0 or more; as many as there are counts",
     read<CountRegressor>},
};

}  // namespace

std::span<const RegressorInfo> regressors() {
  return kRegressors;
}

std::unique_ptr<Regressor> regressor_from_json(const nlohmann::json& json) {
  if (!json.is_object() || !json.contains("regressor") || !json["regressor"].is_string()) {
    throw invalid_argument("not a regressor: an object with the key 'regressor' is expected");
  }
  const auto& wanted = json["regressor"].get_ref<const std::string&>();
  std::vector<std::string_view> names;
  for (const RegressorInfo& info : kRegressors) {
    if (info.name == wanted) return info.from_json(json);
    names.push_back(info.name);
  }
  throw invalid_argument("no regressor {}; there are {}", in_quotes(wanted),
                         fmt::join(names, ", "));
}

std::unique_ptr<Regressor> fit_cost_regressor(const FeatureLayout& layout,
                                              const FeatureMatrix& features,
                                              const Eigen::VectorXd& costs,
                                              const LinearPrior& prior) {
  if (costs.size() < kStackFrom) return fit_bayes_linear(prior, features, costs);
  return fit_stack(layout, features, costs, prior);
}

}  // namespace hwnas::estimators
