#include "bench/learners.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "bench/linear_learners.hpp"
#include "core/error.hpp"
#include "estimators/boosted_trees.hpp"
#include "estimators/gaussian_process.hpp"
#include "estimators/linear_prior.hpp"
#include "estimators/stack.hpp"

namespace hwnas::bench {

namespace {

using estimators::FeatureMatrix;

template <estimators::CovarianceKind kKind>
Learner gaussian_process(const Setting& setting) {
  return {.fit =
              [&layout = setting.networks.layout](const FeatureMatrix& features,
                                                  const Eigen::VectorXd& costs) {
                return estimators::fit_gaussian_process(layout, features, costs, kKind);
              },
          .choose = nullptr};
}

Learner boosted_trees(const Setting&) {
  return {.fit =
              [](const FeatureMatrix& features, const Eigen::VectorXd& costs) {
                return estimators::fit_boosted_trees(features, costs);
              },
          .choose = nullptr};
}

Learner stack(const Setting& setting) {
  const auto prior = estimators::execution_prior(setting.networks.layout, costs_of(setting));
  return {.fit =
              [&layout = setting.networks.layout, prior](const FeatureMatrix& features,
                                                         const Eigen::VectorXd& costs) {
                return estimators::fit_stack(layout, features, costs, prior);
              },
          .choose = nullptr};
}

using estimators::CovarianceKind;

constexpr LearnerInfo kLearners[] = {
    {"bayes_linear", "linear in the executed operators, prior from the sources, active choice",
     bayes_linear},
    {"d_optimal_bayes_linear", "the same, measured by D-optimal design", d_optimal_bayes_linear},
    {"random_bayes_linear", "the same, measured at random", random_bayes_linear},
    {"additive_linear", "linear in the layers' options, prior from the sources, active choice",
     additive_linear},
    {"random_additive_linear", "the same, measured at random", random_additive_linear},
    {"linear_gaussian_process", "robust, linear", gaussian_process<CovarianceKind::kLinear>},
    {"gaussian_process", "robust, linear and smooth", gaussian_process<CovarianceKind::kSmooth>},
    {"structural_gaussian_process", "the same, linear in the graph's shape as well",
     gaussian_process<CovarianceKind::kStructural>},
    {"boosted_trees", "gradient-boosted trees", boosted_trees},
    {"stack", "all of these, weighed by cross-validation", stack},
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
