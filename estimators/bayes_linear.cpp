#include "estimators/bayes_linear.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "core/error.hpp"
#include "estimators/json_matrix.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kVersion = 1;
constexpr double kFloor = 0.2;  // of the smallest measurement
/// Components whose weight is below this share of the heaviest one's change no digit.
constexpr double kNegligible = 1e-4;

double median(Eigen::VectorXd values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

/// Rows of basis functions.
Eigen::MatrixXd functions_of(const LinearBasis& basis, const FeatureMatrix& features) {
  Eigen::MatrixXd rows = features * basis.projection.bottomRows(features.cols());
  rows.rowwise() += basis.projection.row(0);
  return rows;
}

/// What one basis needs of the measurements.
struct Statistics {
  Eigen::MatrixXd rows;
  Eigen::MatrixXd gram;
};

struct Posterior {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  double log_evidence = 0;
};

/// Conjugate update in weight space, with the prior's Cholesky factor so that nothing is inverted.
Posterior update(const LinearComponent& prior, const Statistics& data,
                 const Eigen::VectorXd& targets) {
  const double precision = 1 / prior.noise_variance;
  const Eigen::MatrixXd factor = prior.covariance.llt().matrixL();
  const Eigen::VectorXd residual = targets - data.rows * prior.mean;
  Eigen::MatrixXd inner = precision * factor.transpose() * data.gram * factor;
  inner.diagonal().array() += 1;
  const Eigen::LLT<Eigen::MatrixXd> solver(inner);
  const Eigen::MatrixXd half = solver.matrixL().solve(factor.transpose());
  Posterior posterior;
  posterior.covariance = half.transpose() * half;
  const Eigen::VectorXd moment = data.rows.transpose() * residual;
  const Eigen::VectorXd shift = precision * posterior.covariance * moment;
  posterior.mean = prior.mean + shift;
  const double squares = precision * (residual.squaredNorm() - moment.dot(shift));
  const double log_determinant = 2 * solver.matrixLLT().diagonal().array().log().sum() -
                                 static_cast<double>(targets.size()) * std::log(precision);
  posterior.log_evidence =
      -0.5 * (static_cast<double>(targets.size()) * std::log(2 * std::numbers::pi) +
              log_determinant + squares);
  return posterior;
}

std::vector<double> normalised_weights(const std::vector<double>& logs) {
  const double largest = std::ranges::max(logs);
  std::vector<double> weights;
  for (const double x : logs) weights.push_back(std::exp(x - largest));
  for (double& weight : weights) weight = weight < kNegligible ? 0 : weight;
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= total;
  return weights;
}

void check(const LinearPrior& prior, const FeatureMatrix& features, const Eigen::VectorXd& costs) {
  if (costs.size() == 0 || costs.size() != features.rows()) {
    throw invalid_argument("bayes_linear: {} costs of {} networks; give one each, at least one",
                           costs.size(), features.rows());
  }
  for (Eigen::Index i = 0; i < costs.size(); ++i) {
    if (!(costs[i] > 0) || !std::isfinite(costs[i])) {
      throw invalid_argument("bayes_linear: cost {} is {}; leave out networks that did not run", i,
                             costs[i]);
    }
  }
  for (const LinearBasis& basis : prior.bases) {
    if (basis.projection.rows() != features.cols() + 1) {
      throw invalid_argument(
          "bayes_linear: the prior's '{}' is of {} columns, the features have {}", basis.name,
          basis.projection.rows() - 1, features.cols());
    }
  }
}

}  // namespace

std::unique_ptr<BayesLinear> fit_bayes_linear(const LinearPrior& prior,
                                              const FeatureMatrix& features,
                                              const Eigen::VectorXd& costs) {
  check(prior, features, costs);
  auto model = std::make_unique<BayesLinear>();
  const double typical = median(costs);
  const Eigen::VectorXd targets = costs / typical;
  std::vector<Statistics> statistics;
  for (const LinearBasis& basis : prior.bases) {
    Eigen::MatrixXd rows = functions_of(basis, features);
    statistics.push_back({rows, rows.transpose() * rows});
    model->moments_.push_back({.basis = basis, .first = {}, .second = {}});
    auto& moments = model->moments_.back();
    moments.first.setZero(rows.cols());
    moments.second.setZero(rows.cols(), rows.cols());
  }
  std::vector<Posterior> posteriors;
  std::vector<double> logs;
  for (const LinearComponent& component : prior.components) {
    posteriors.push_back(update(component, statistics[component.basis], targets));
    logs.push_back(component.log_weight + posteriors.back().log_evidence);
  }
  const std::vector<double> weights = normalised_weights(logs);
  for (std::size_t i = 0; i < posteriors.size(); ++i) {
    const Posterior& posterior = posteriors[i];
    auto& moments = model->moments_[prior.components[i].basis];
    moments.probability += weights[i];
    moments.first += weights[i] * typical * posterior.mean;
    moments.second += weights[i] * typical * typical *
                      (posterior.covariance + posterior.mean * posterior.mean.transpose());
    model->noise_variance_ += weights[i] * typical * typical * prior.components[i].noise_variance;
  }
  model->least_ = kFloor * costs.minCoeff();
  return model;
}

std::vector<Prediction> BayesLinear::predict(const FeatureMatrix& features) const {
  Eigen::VectorXd first = Eigen::VectorXd::Zero(features.rows());
  Eigen::VectorXd second = Eigen::VectorXd::Constant(features.rows(), noise_variance_);
  for (const Moments& moments : moments_) {
    const Eigen::MatrixXd rows = functions_of(moments.basis, features);
    first += rows * moments.first;
    second += (rows * moments.second).cwiseProduct(rows).rowwise().sum();
  }
  std::vector<Prediction> result;
  for (Eigen::Index i = 0; i < first.size(); ++i) {
    const double variance = std::max(second[i] - first[i] * first[i], noise_variance_);
    result.push_back({std::max(first[i], least_), interval_scale_ * std::sqrt(variance)});
  }
  return result;
}

std::vector<HypothesisWeight> BayesLinear::hypotheses() const {
  std::vector<HypothesisWeight> result;
  for (const Moments& moments : moments_) {
    result.push_back({moments.basis.name, moments.probability});
  }
  return result;
}

nlohmann::json BayesLinear::to_json() const {
  nlohmann::json hypotheses = nlohmann::json::array();
  for (const Moments& moments : moments_) {
    hypotheses.push_back({{"name", moments.basis.name},
                          {"probability", moments.probability},
                          {"projection", matrix_to_json(moments.basis.projection)},
                          {"first", matrix_to_json(moments.first)},
                          {"second", matrix_to_json(moments.second)}});
  }
  return {{"regressor", kName},
          {"version", kVersion},
          {"noise_variance", noise_variance_},
          {"least", least_},
          {"interval_scale", interval_scale_},
          {"hypotheses", std::move(hypotheses)}};
}

BayesLinear BayesLinear::from_json(const nlohmann::json& json) {
  return read_model(kName, kVersion, json, [&] {
    BayesLinear model;
    model.noise_variance_ = json.at("noise_variance");
    model.least_ = json.at("least");
    model.interval_scale_ = json.at("interval_scale");
    for (const nlohmann::json& entry : json.at("hypotheses")) {
      Moments moments{.basis = {entry.at("name"), matrix_from_json(entry.at("projection"))},
                      .probability = entry.at("probability"),
                      .first = matrix_from_json(entry.at("first")),
                      .second = matrix_from_json(entry.at("second"))};
      const Eigen::Index functions = moments.basis.projection.cols();
      if (moments.first.size() != functions || moments.second.rows() != functions ||
          moments.second.cols() != functions) {
        throw invalid_argument("hypothesis '{}' has {} functions, but its moments do not",
                               moments.basis.name, functions);
      }
      model.moments_.push_back(std::move(moments));
    }
    return model;
  });
}

}  // namespace hwnas::estimators
