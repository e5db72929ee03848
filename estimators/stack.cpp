#include "estimators/stack.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "estimators/boosted_trees.hpp"
#include "estimators/conformal.hpp"
#include "estimators/gaussian_process.hpp"
#include "estimators/json_matrix.hpp"
#include "estimators/lbfgs.hpp"
#include "estimators/measured_costs.hpp"
#include "estimators/regressors.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kVersion = 1;
constexpr Eigen::Index kLeast = 20;
constexpr Eigen::Index kTreesFrom = 300;
constexpr Eigen::Index kFewFrom = 100;    // measurements from which five folds are enough
constexpr Eigen::Index kFixedFrom = 200;  // from which hyperparameters are found once
constexpr double kFreedom = 2;            // of the distribution of errors
constexpr double kLeastScale = 1e-3;      // of errors
constexpr int kIterations = 100;

/// A member to be.
struct Candidate {
  std::string label;
  std::function<std::unique_ptr<Regressor>(const FeatureMatrix&, const Eigen::VectorXd&)> fit;
};

Candidate gaussian_process(const char* label, CovarianceKind kind, const FeatureLayout& layout,
                           const FeatureMatrix& features, const Eigen::VectorXd& costs) {
  if (features.rows() < kFixedFrom) {
    return {label, [&layout, kind](const FeatureMatrix& rows, const Eigen::VectorXd& targets) {
              return fit_gaussian_process(layout, rows, targets, kind);
            }};
  }
  const std::shared_ptr<GaussianProcess> tuned =
      fit_gaussian_process(layout, features, costs, kind);
  return {label, [tuned](const FeatureMatrix& rows, const Eigen::VectorXd& targets) {
            return tuned->refit(rows, targets);
          }};
}

std::vector<Candidate> candidates(const FeatureLayout& layout, const FeatureMatrix& features,
                                  const Eigen::VectorXd& costs, const LinearPrior& prior) {
  const auto process = [&](const char* label, CovarianceKind kind) {
    return gaussian_process(label, kind, layout, features, costs);
  };
  std::vector<Candidate> result = {
      {"bayes_linear",
       [&prior](const FeatureMatrix& rows, const Eigen::VectorXd& targets) {
         return fit_bayes_linear(prior, rows, targets);
       }},
      process("gaussian_process linear", CovarianceKind::kLinear),
      process("gaussian_process smooth", CovarianceKind::kSmooth),
      process("gaussian_process structural", CovarianceKind::kStructural)};
  if (features.rows() >= kTreesFrom) {
    result.push_back(
        {"boosted_trees", [](const FeatureMatrix& rows, const Eigen::VectorXd& targets) {
           return train_boosted_trees(rows, targets, 0);
         }});
  }
  return result;
}

/// Predictions of a candidate for every network by the fit that did not see it.
std::vector<Prediction> held_back_predictions(const Candidate& candidate,
                                              const FeatureMatrix& features,
                                              const Eigen::VectorXd& costs) {
  std::vector<Prediction> result(features.rows());
  for (const Fold& fold : folds(features.rows(), features.rows() < kFewFrom ? 10 : 5)) {
    const auto model = candidate.fit(features(fold.others, Eigen::all), costs(fold.others));
    const auto predictions = model->predict(features(fold.held_back, Eigen::all));
    for (std::size_t i = 0; i < predictions.size(); ++i) {
      result[fold.held_back[i]] = predictions[i];
    }
  }
  return result;
}

Eigen::VectorXd softmax(const Eigen::VectorXd& logits) {
  const Eigen::VectorXd exponentials = (logits.array() - logits.maxCoeff()).exp();
  return exponentials / exponentials.sum();
}

/// `errors`: one column a member, one row a network.
Eigen::VectorXd weights_of(const Eigen::MatrixXd& errors) {
  double scale = median(errors.col(0).cwiseAbs());
  for (const auto column : errors.colwise()) scale = std::min(scale, median(column.cwiseAbs()));
  scale = std::max(scale, kLeastScale);
  const auto objective = [&](const Eigen::VectorXd& logits, Eigen::VectorXd& gradient) {
    const Eigen::VectorXd weights = softmax(logits);
    const Eigen::ArrayXd error = (errors * weights / scale).array();
    const Eigen::ArrayXd spread = kFreedom + error.square();
    const Eigen::VectorXd slope =
        errors.transpose() * ((kFreedom + 1) / scale * error / spread).matrix();
    gradient = weights.cwiseProduct((slope.array() - slope.dot(weights)).matrix()) + logits;
    return (kFreedom + 1) / 2 * (spread / kFreedom).log().sum() + 0.5 * logits.squaredNorm();
  };
  return softmax(minimise(objective, Eigen::VectorXd::Zero(errors.cols()), kIterations));
}

/// Mean and deviation of a mixture of the members' predictions of one network.
template <typename PredictionOf>
Prediction mixture(const Eigen::VectorXd& weights, PredictionOf prediction_of) {
  Prediction result;
  for (Eigen::Index i = 0; i < weights.size(); ++i)
    result.mean += weights[i] * prediction_of(i).mean;
  double variance = 0;
  for (Eigen::Index i = 0; i < weights.size(); ++i) {
    const Prediction& part = prediction_of(i);
    variance +=
        weights[i] * (std::pow(part.standard_deviation, 2) + std::pow(part.mean - result.mean, 2));
  }
  result.standard_deviation = std::sqrt(variance);
  return result;
}

}  // namespace

std::unique_ptr<Stack> fit_stack(const FeatureLayout& layout, const FeatureMatrix& features,
                                 const Eigen::VectorXd& costs, const LinearPrior& prior) {
  check_measured(Stack::kName, features, costs, kLeast);
  const std::vector<Candidate> all = candidates(layout, features, costs, prior);
  std::vector<std::vector<Prediction>> predictions;
  Eigen::MatrixXd errors(costs.size(), std::ssize(all));
  for (std::size_t k = 0; k < all.size(); ++k) {
    predictions.push_back(held_back_predictions(all[k], features, costs));
    for (Eigen::Index i = 0; i < costs.size(); ++i) {
      errors(i, static_cast<Eigen::Index>(k)) = predictions[k][i].mean / costs[i] - 1;
    }
  }
  const Eigen::VectorXd weights = weights_of(errors);
  std::vector<double> scores;
  for (Eigen::Index i = 0; i < costs.size(); ++i) {
    const Prediction blend =
        mixture(weights, [&](Eigen::Index k) -> const Prediction& { return predictions[k][i]; });
    scores.push_back(std::abs(costs[i] - blend.mean) / blend.standard_deviation);
  }
  auto stack = std::make_unique<Stack>();
  stack->interval_scale_ = conformal_scale(std::move(scores));
  for (std::size_t k = 0; k < all.size(); ++k) {
    stack->members_.push_back(
        {all[k].label, weights[static_cast<Eigen::Index>(k)], all[k].fit(features, costs)});
  }
  return stack;
}

std::vector<Prediction> Stack::predict(const FeatureMatrix& features) const {
  Eigen::VectorXd weights(std::ssize(members_));
  std::vector<std::vector<Prediction>> predictions;
  for (const Member& member : members_) {
    weights[std::ssize(predictions)] = member.weight;
    predictions.push_back(member.model->predict(features));
  }
  std::vector<Prediction> result;
  for (Eigen::Index i = 0; i < features.rows(); ++i) {
    result.push_back(
        mixture(weights, [&](Eigen::Index k) -> const Prediction& { return predictions[k][i]; }));
    result.back().standard_deviation *= interval_scale_;
  }
  return result;
}

nlohmann::json Stack::to_json() const {
  nlohmann::json members = nlohmann::json::array();
  for (const Member& member : members_) {
    members.push_back(
        {{"label", member.label}, {"weight", member.weight}, {"model", member.model->to_json()}});
  }
  return {{"regressor", kName},
          {"version", kVersion},
          {"interval_scale", interval_scale_},
          {"members", std::move(members)}};
}

Stack Stack::from_json(const nlohmann::json& json) {
  return read_model(kName, kVersion, json, [&] {
    Stack stack;
    stack.interval_scale_ = json.at("interval_scale");
    for (const nlohmann::json& entry : json.at("members")) {
      stack.members_.push_back(
          {entry.at("label"), entry.at("weight"), regressor_from_json(entry.at("model"))});
    }
    if (stack.members_.empty()) throw invalid_argument("stack: no members");
    return stack;
  });
}

}  // namespace hwnas::estimators
