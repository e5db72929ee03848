#include "bench/linear_learners.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "estimators/additive_prior.hpp"
#include "estimators/d_optimal.hpp"
#include "estimators/next_measurement.hpp"

namespace hwnas::bench {

namespace {

using estimators::FeatureMatrix;
using estimators::LinearPrior;

constexpr int kDesigned = 5;  // as many as a cell's hypothesis has weights

Learner learner_from(const LinearPrior& prior) {
  return {.fit =
              [prior](const FeatureMatrix& features, const Eigen::VectorXd& costs) {
                return estimators::fit_bayes_linear(prior, features, costs);
              },
          .choose = nullptr};
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

/// D-optimal for what the prior's middle component leaves open.
auto design_for(const LinearPrior& prior) {
  return [prior](const FeatureMatrix& candidates, int count, const Measure&) {
    const estimators::LinearComponent& component = prior.components[prior.components.size() / 2];
    const Eigen::MatrixXd& projection = prior.bases[component.basis].projection;
    Eigen::MatrixXd functions = candidates * projection.bottomRows(candidates.cols());
    functions.rowwise() += projection.row(0);
    return estimators::d_optimal(functions, count,
                                 component.noise_variance * component.covariance.inverse());
  };
}

/// The first networks as before, the others where the model that these give is uncertain.
Learner actively(Learner learner, const LinearPrior& prior) {
  learner.choose = [first = learner.choose, prior](const FeatureMatrix& candidates, int count,
                                                   const Measure& measure) {
    std::vector<int> chosen = first(candidates, std::min(count, kDesigned), measure);
    while (std::ssize(chosen) < count) {
      Eigen::VectorXd costs(std::ssize(chosen));
      for (Eigen::Index i = 0; i < costs.size(); ++i) costs[i] = measure(chosen[i]);
      const auto model = estimators::fit_bayes_linear(prior, candidates(chosen, Eigen::all), costs);
      chosen.push_back(estimators::next_to_measure(*model, candidates, chosen, candidates));
    }
    return chosen;
  };
  return learner;
}

LinearPrior cell_prior(const Setting& setting) {
  return estimators::execution_prior(setting.networks.layout, costs_of(setting));
}

LinearPrior layer_prior(const Setting& setting) {
  return estimators::additive_prior(setting.networks.layout, costs_of(setting));
}

}  // namespace

std::vector<estimators::DeviceCosts> costs_of(const Setting& setting) {
  std::vector<estimators::DeviceCosts> sources;
  for (const SourceDevice& source : setting.sources) {
    sources.push_back({source.features, source.costs});
  }
  return sources;
}

Learner random_bayes_linear(const Setting& setting) {
  return learner_from(cell_prior(setting));
}

Learner d_optimal_bayes_linear(const Setting& setting) {
  Learner learner = random_bayes_linear(setting);
  learner.choose = [&layout = setting.networks.layout](const FeatureMatrix& candidates, int count,
                                                       const Measure&) {
    const Eigen::MatrixXd functions = functions_of(layout, candidates, {"raw", "bwd"});
    return estimators::d_optimal(
        functions, count, 0.01 * Eigen::MatrixXd::Identity(functions.cols(), functions.cols()));
  };
  return learner;
}

Learner bayes_linear(const Setting& setting) {
  return actively(d_optimal_bayes_linear(setting), cell_prior(setting));
}

Learner random_additive_linear(const Setting& setting) {
  return learner_from(layer_prior(setting));
}

Learner additive_linear(const Setting& setting) {
  const LinearPrior prior = layer_prior(setting);
  Learner learner = learner_from(prior);
  learner.choose = design_for(prior);
  return actively(std::move(learner), prior);
}

}  // namespace hwnas::bench
