#include "estimators/gaussian_process.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "estimators/json_matrix.hpp"
#include "estimators/lbfgs.hpp"
#include "estimators/measured_costs.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kVersion = 1;
constexpr double kFloor = 0.2;          // of the smallest measurement
constexpr double kLeastRelative = 0.1;  // of the median: below it, noise is no smaller
constexpr double kJitter = 1e-6;
constexpr double kNoise = 0.02;                  // prior mean of its variance
constexpr double kNoiseDeviation = 1.5;          // of its logarithm
constexpr double kFreedom = 2;                   // degrees of freedom of the noise
constexpr double kNoise95 = 2.9199855803537256;  // quantile .95 of that distribution
constexpr Eigen::Index kTuningRows = 200;
constexpr int kIterations = 60;
constexpr int kMoreIterations = 25;   // after the weights of the noise have changed
constexpr int kRounds = 3;            // of expectation maximisation with hyperparameters
constexpr int kLastRounds = 4;        // and with all rows
constexpr Eigen::Index kBlock = 256;  // rows predicted at once

/// Rows at equal steps, so that a sorted file of measurements is seen from end to end.
std::vector<Eigen::Index> spread_rows(Eigen::Index rows, Eigen::Index count) {
  std::vector<Eigen::Index> result;
  for (Eigen::Index i = 0; i < count; ++i) result.push_back(i * rows / count);
  return result;
}

}  // namespace

/// One fit, step by step; one use each.
class GaussianProcessFit {
 public:
  explicit GaussianProcessFit(GaussianProcess& model) : model_(model) {}

  void fit() {
    const Eigen::Index all = model_.targets_.size();
    use(spread_rows(all, std::min(all, kTuningRows)));
    logs_.resize(model_.covariance_.parameters() + 1);
    logs_ << model_.covariance_.prior_means(), std::log(kNoise);
    prior_means_ = logs_;
    prior_deviations_.resize(logs_.size());
    prior_deviations_ << model_.covariance_.prior_deviations(), kNoiseDeviation;
    for (int round = 0; round < kRounds; ++round) {
      logs_ = minimise([this](const Eigen::VectorXd& logs,
                              Eigen::VectorXd& gradient) { return objective(logs, gradient); },
                       logs_, round == 0 ? kIterations : kMoreIterations);
      reweigh();
    }
    model_.logs_ = logs_;
    if (all > kTuningRows) return weigh_all();
    model_.noise_ = noise(logs_);
  }

  /// With the model's hyperparameters.
  void weigh_all() {
    logs_ = model_.logs_;
    use(spread_rows(model_.targets_.size(), model_.targets_.size()));
    for (int round = 0; round < kLastRounds; ++round) reweigh();
    model_.noise_ = noise(logs_);
  }

 private:
  void use(const std::vector<Eigen::Index>& rows) {
    targets_ = model_.targets_(rows);
    const auto prepared = model_.covariance_.prepare(model_.features_(rows, Eigen::all));
    products_ = model_.covariance_.products(prepared, prepared);
    relative_noise_.setOnes(targets_.size());
  }

  Eigen::VectorXd noise(const Eigen::VectorXd& logs) const {
    return (std::exp(logs[logs.size() - 1]) * relative_noise_.array() + kJitter).matrix();
  }

  /// Minus the logarithm of the posterior density, but for a constant.
  double objective(const Eigen::VectorXd& logs, Eigen::VectorXd& gradient) const {
    const Eigen::Index n = targets_.size();
    Eigen::MatrixXd covariance = model_.covariance_.value(products_, logs);
    covariance.diagonal() += noise(logs);
    const Eigen::LLT<Eigen::MatrixXd> solver(covariance);
    if (solver.info() != Eigen::Success || !covariance.allFinite()) {
      return std::numeric_limits<double>::infinity();
    }
    const Eigen::VectorXd weights = solver.solve(targets_);
    Eigen::MatrixXd pairs = 0.5 * solver.solve(Eigen::MatrixXd::Identity(n, n));
    pairs.noalias() -= 0.5 * weights * weights.transpose();
    const Eigen::VectorXd off = (logs - prior_means_).cwiseQuotient(prior_deviations_);
    gradient.head(logs.size() - 1) = model_.covariance_.gradient(products_, logs, pairs);
    gradient[logs.size() - 1] =
        std::exp(logs[logs.size() - 1]) * pairs.diagonal().dot(relative_noise_);
    gradient += off.cwiseQuotient(prior_deviations_);
    return 0.5 * targets_.dot(weights) + solver.matrixLLT().diagonal().array().log().sum() +
           0.5 * off.squaredNorm();
  }

  /// Scales the noise of each row: with its cost, and up where it is an outlier.
  void reweigh() {
    const Eigen::MatrixXd covariance = model_.covariance_.value(products_, logs_);
    Eigen::MatrixXd noisy = covariance;
    noisy.diagonal() += noise(logs_);
    const Eigen::VectorXd means = covariance * noisy.llt().solve(targets_);
    const double scale = std::exp(logs_[logs_.size() - 1]);
    for (Eigen::Index i = 0; i < means.size(); ++i) {
      const double relative = model_.relative_variance(means[i]);
      const double residual = targets_[i] - means[i];
      const double squared = residual * residual / (scale * relative + kJitter);
      relative_noise_[i] = relative * (kFreedom + squared) / (kFreedom + 1);
    }
  }

  GaussianProcess& model_;
  Eigen::VectorXd targets_;
  Covariance::Products products_;
  Eigen::VectorXd relative_noise_;  ///< variances over that of a typical measurement
  Eigen::VectorXd logs_;
  Eigen::VectorXd prior_means_;
  Eigen::VectorXd prior_deviations_;
};

double GaussianProcess::relative_variance(double target) const {
  const double relative = std::max(kLeastRelative, 1 + spread_ * target);
  return relative * relative;
}

void GaussianProcess::use(const FeatureMatrix& features, const Eigen::VectorXd& costs) {
  features_ = features;
  typical_ = median(costs);
  const Eigen::ArrayXd relative = costs.array() / typical_;
  spread_ = std::max(kJitter, std::sqrt((relative - relative.mean()).square().mean()));
  targets_ = ((relative - 1) / spread_).matrix();
  least_ = kFloor * costs.minCoeff();
}

std::unique_ptr<GaussianProcess> GaussianProcess::refit(const FeatureMatrix& features,
                                                        const Eigen::VectorXd& costs) const {
  check_measured(kName, features, costs, 3);
  std::unique_ptr<GaussianProcess> model(new GaussianProcess(covariance_));
  model->use(features, costs);
  model->logs_ = logs_;
  GaussianProcessFit(*model).weigh_all();
  model->solve();
  return model;
}

void GaussianProcess::solve() {
  rows_ = covariance_.prepare(features_);
  Eigen::MatrixXd covariance = covariance_.value(covariance_.products(rows_, rows_), logs_);
  covariance.diagonal() += noise_;
  solver_.compute(covariance);
  if (solver_.info() != Eigen::Success) {
    throw invalid_argument(
        "gaussian_process: the covariance of the {} measured networks is not "
        "positive definite: leave out repeated measurements",
        features_.rows());
  }
  weights_ = solver_.solve(targets_);
}

std::vector<Prediction> GaussianProcess::predict(const FeatureMatrix& features) const {
  if (features.cols() != features_.cols()) {
    throw invalid_argument("gaussian_process: {} columns; it was fitted to {}", features.cols(),
                           features_.cols());
  }
  std::vector<Prediction> result;
  result.reserve(features.rows());
  const double unit = typical_ * spread_;
  const double noise = std::pow(kNoise95 / kNormal95, 2) * std::exp(logs_[logs_.size() - 1]);
  for (Eigen::Index begin = 0; begin < features.rows(); begin += kBlock) {
    const Eigen::Index count = std::min(kBlock, features.rows() - begin);
    const Covariance::Rows rows = covariance_.prepare(features.middleRows(begin, count));
    Eigen::MatrixXd cross = covariance_.value(covariance_.products(rows_, rows), logs_);
    const Eigen::VectorXd means = cross.transpose() * weights_;
    solver_.matrixL().solveInPlace(cross);
    const Eigen::VectorXd variances = covariance_.variances(rows, logs_);
    for (Eigen::Index i = 0; i < count; ++i) {
      const double uncertainty = std::max(0.0, variances[i] - cross.col(i).squaredNorm());
      const double variance = uncertainty + noise * relative_variance(means[i]) + kJitter;
      result.push_back({std::max(least_, typical_ + unit * means[i]), unit * std::sqrt(variance)});
    }
  }
  return result;
}

std::unique_ptr<GaussianProcess> fit_gaussian_process(const FeatureLayout& layout,
                                                      const FeatureMatrix& features,
                                                      const Eigen::VectorXd& costs,
                                                      CovarianceKind kind) {
  check_measured(GaussianProcess::kName, features, costs, 3);
  std::unique_ptr<GaussianProcess> model(new GaussianProcess(Covariance(layout, features, kind)));
  model->use(features, costs);
  GaussianProcessFit(*model).fit();
  model->solve();
  return model;
}

nlohmann::json GaussianProcess::to_json() const {
  return {{"regressor", kName},
          {"version", kVersion},
          {"covariance", covariance_.to_json()},
          {"features", matrix_to_json(features_)},
          {"targets", matrix_to_json(targets_)},
          {"noise", matrix_to_json(noise_)},
          {"hyperparameters", matrix_to_json(logs_)},
          {"typical", typical_},
          {"spread", spread_},
          {"least", least_}};
}

GaussianProcess GaussianProcess::from_json(const nlohmann::json& json) {
  return read_model(kName, kVersion, json, [&] {
    GaussianProcess model(Covariance::from_json(json.at("covariance")));
    model.features_ = matrix_from_json(json.at("features"));
    model.targets_ = matrix_from_json(json.at("targets"));
    model.noise_ = matrix_from_json(json.at("noise"));
    model.logs_ = matrix_from_json(json.at("hyperparameters"));
    model.typical_ = json.at("typical");
    model.spread_ = json.at("spread");
    model.least_ = json.at("least");
    const Eigen::Index rows = model.features_.rows();
    if (rows == 0 || model.targets_.size() != rows || model.noise_.size() != rows ||
        model.logs_.size() != model.covariance_.parameters() + 1 ||
        model.covariance_.columns_needed() > model.features_.cols()) {
      throw invalid_argument(
          "gaussian_process: {} targets, {} noises and {} hyperparameters for {} "
          "networks of {} columns",
          model.targets_.size(), model.noise_.size(), model.logs_.size(), rows,
          model.features_.cols());
    }
    model.solve();
    return model;
  });
}

}  // namespace hwnas::estimators
