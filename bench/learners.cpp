#include "bench/learners.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "estimators/d_optimal.hpp"
#include "estimators/linear_prior.hpp"

namespace hwnas::bench {

namespace {

using estimators::DeviceCosts;
using estimators::FeatureMatrix;

std::vector<DeviceCosts> costs_of(const Setting& setting) {
  std::vector<DeviceCosts> sources;
  for (const SourceDevice& source : setting.sources) {
    sources.push_back({source.features, source.costs});
  }
  return sources;
}

auto fit_with(const estimators::LinearPrior& prior) {
  return [prior](const FeatureMatrix& features, const Eigen::VectorXd& costs) {
    return estimators::fit_bayes_linear(prior, features, costs);
  };
}

Learner random_bayes_linear(const Setting& setting) {
  const auto prior = estimators::execution_prior(setting.networks.layout, costs_of(setting));
  return {.fit = fit_with(prior), .choose = nullptr};
}

/// The constant and the columns of some groups.
Eigen::MatrixXd functions_of(const estimators::FeatureLayout& layout, const FeatureMatrix& features,
                             const std::vector<std::string>& groups) {
  std::vector<int> columns;
  for (const estimators::FeatureGroup& group : layout.groups) {
    for (int i = 0; i < group.size && std::ranges::count(groups, group.name) > 0; ++i) {
      columns.push_back(group.begin + i);
    }
  }
  Eigen::MatrixXd functions(features.rows(), std::ssize(columns) + 1);
  functions.col(0).setOnes();
  functions.rightCols(std::ssize(columns)) = features(Eigen::all, columns);
  return functions;
}

Learner bayes_linear(const Setting& setting) {
  const auto prior = estimators::execution_prior(setting.networks.layout, costs_of(setting));
  const auto choose = [&layout = setting.networks.layout](const FeatureMatrix& candidates,
                                                          int count, const Measure&) {
    const Eigen::MatrixXd functions = functions_of(layout, candidates, {"raw", "bwd"});
    return estimators::d_optimal(
        functions, count, 0.01 * Eigen::MatrixXd::Identity(functions.cols(), functions.cols()));
  };
  return {.fit = fit_with(prior), .choose = choose};
}

constexpr LearnerInfo kLearners[] = {
    {"bayes_linear", "linear in the executed operators, prior from the sources", bayes_linear},
    {"random_bayes_linear", "the same with networks measured at random", random_bayes_linear},
};

}  // namespace

std::span<const LearnerInfo> learners() {
  return kLearners;
}

Learner make_learner(std::string_view name, const Setting& setting) {
  std::vector<std::string_view> names;
  for (const LearnerInfo& learner : kLearners) {
    if (learner.name == name) return learner.make(setting);
    names.push_back(learner.name);
  }
  throw error(ErrorCode::kNotFound, "no model '{}'; there are {}", name, fmt::join(names, ", "));
}

}  // namespace hwnas::bench
