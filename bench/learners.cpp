#include "bench/learners.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "core/error.hpp"
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

Learner bayes_linear(const Setting& setting) {
  const auto prior = estimators::execution_prior(setting.networks.layout, costs_of(setting));
  return {.fit =
              [prior](const FeatureMatrix& features, const Eigen::VectorXd& costs) {
                return estimators::fit_bayes_linear(prior, features, costs);
              },
          .choose = nullptr};
}

constexpr LearnerInfo kLearners[] = {
    {"bayes_linear", "linear in the executed operators, prior from the sources", bayes_linear},
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
