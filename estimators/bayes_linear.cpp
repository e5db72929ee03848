#include "estimators/bayes_linear.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "estimators/json_matrix.hpp"
#include "estimators/linear_evidence.hpp"
#include "estimators/measured_costs.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kVersion = 1;
constexpr double kFloor = 0.2;  // of the smallest measurement

/// Rows of basis functions.
Eigen::MatrixXd functions_of(const LinearBasis& basis, const FeatureMatrix& features) {
  Eigen::MatrixXd rows = features * basis.projection.bottomRows(features.cols());
  rows.rowwise() += basis.projection.row(0);
  return rows;
}

/// What the prior says of the networks, in costs relative to a typical one.
Eigen::VectorXd prior_means(const LinearPrior& prior, const std::vector<Eigen::MatrixXd>& rows) {
  Eigen::VectorXd means = Eigen::VectorXd::Zero(rows.front().rows());
  double total = 0;
  for (const LinearComponent& component : prior.components) {
    const double weight = std::exp(component.log_weight);
    means += weight * rows[component.basis] * component.mean;
    total += weight;
  }
  return means / total;
}

void check(const LinearPrior& prior, const FeatureMatrix& features, const Eigen::VectorXd& costs) {
  check_measured(BayesLinear::kName, features, costs, 1);
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
  std::vector<Eigen::MatrixXd> rows;
  auto model = std::make_unique<BayesLinear>();
  for (const LinearBasis& basis : prior.bases) {
    rows.push_back(functions_of(basis, features));
    const Eigen::Index functions = basis.projection.cols();
    model->moments_.push_back({.basis = basis,
                               .probability = 0,
                               .first = Eigen::VectorXd::Zero(functions),
                               .second = Eigen::MatrixXd::Zero(functions, functions)});
  }
  const double typical = median(costs) / std::max(kFloor, median(prior_means(prior, rows)));
  for (const LinearPosterior& posterior : linear_posteriors(prior, rows, costs / typical)) {
    BayesLinear::Moments& moments = model->moments_[posterior.basis];
    moments.probability += posterior.probability;
    moments.first += posterior.probability * typical * posterior.mean;
    moments.second += posterior.probability * typical * typical *
                      (posterior.covariance + posterior.mean * posterior.mean.transpose());
    model->noise_variance_ += posterior.probability * typical * typical * posterior.noise_variance;
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
    result.push_back({std::max(first[i], least_), std::sqrt(variance)});
  }
  return result;
}

Eigen::MatrixXd BayesLinear::covariance(const FeatureMatrix& a, const FeatureMatrix& b) const {
  Eigen::MatrixXd products = Eigen::MatrixXd::Zero(a.rows(), b.rows());
  Eigen::VectorXd mean_a = Eigen::VectorXd::Zero(a.rows());
  Eigen::VectorXd mean_b = Eigen::VectorXd::Zero(b.rows());
  for (const Moments& moments : moments_) {
    const Eigen::MatrixXd rows_a = functions_of(moments.basis, a);
    const Eigen::MatrixXd rows_b = functions_of(moments.basis, b);
    products += rows_a * moments.second * rows_b.transpose();
    mean_a += rows_a * moments.first;
    mean_b += rows_b * moments.first;
  }
  return products - mean_a * mean_b.transpose();
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
          {"hypotheses", std::move(hypotheses)}};
}

BayesLinear BayesLinear::from_json(const nlohmann::json& json) {
  return read_model(kName, kVersion, json, [&] {
    BayesLinear model;
    model.noise_variance_ = json.at("noise_variance");
    model.least_ = json.at("least");
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
