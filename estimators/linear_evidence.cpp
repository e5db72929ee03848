#include "estimators/linear_evidence.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

namespace hwnas::estimators {

namespace {

constexpr double kOutlierProbability = 0.05;
constexpr double kOutlierVariance = 0.1;
constexpr int kMostForPairs = 32;
constexpr int kMostForSingles = 128;
constexpr double kLogNegligible = -9.2;  // 1e-4 of the largest
constexpr double kLogScaleSd = 0.25;
constexpr double kLogScaleStep = 0.1;
constexpr int kScaleSteps = 5;  // to each side
constexpr int kNone = -1;

/// Measurements that are outliers: none, one or two.
struct Outliers {
  int first = kNone;
  int second = kNone;
};

std::vector<Outliers> outlier_sets(int measurements) {
  std::vector<Outliers> sets = {{}};
  for (int i = 0; measurements <= kMostForSingles && i < measurements; ++i) {
    sets.push_back({i, kNone});
    for (int j = 0; measurements <= kMostForPairs && j < i; ++j) sets.push_back({i, j});
  }
  return sets;
}

double log_prior(const Outliers& outliers, Eigen::Index measurements) {
  const int count = (outliers.first != kNone) + (outliers.second != kNone);
  return count * std::log(kOutlierProbability) +
         static_cast<double>(measurements - count) * std::log1p(-kOutlierProbability);
}

/// The density of the targets under one component, for any scale and outliers. With the targets'
/// covariance V = ΦCΦᵀ + σ²I, all of them follow from V⁻¹t, V⁻¹Φm and elements of V⁻¹
/// (Sherman-Morrison-Woodbury), so that one factorisation serves thousands.
class Evidence {
 public:
  Evidence(const LinearComponent& prior, const Eigen::MatrixXd& rows,
           const Eigen::VectorXd& targets) {
    const double precision = 1 / prior.noise_variance;
    const Eigen::MatrixXd scaled = rows * Eigen::MatrixXd(prior.covariance.llt().matrixL());
    Eigen::MatrixXd inner = precision * scaled.transpose() * scaled;
    inner.diagonal().array() += 1;
    const Eigen::LLT<Eigen::MatrixXd> solver(inner);
    const Eigen::MatrixXd half = solver.matrixL().solve(scaled.transpose());
    inverse_ = -precision * precision * half.transpose() * half;
    inverse_.diagonal().array() += precision;
    const Eigen::VectorXd mean = rows * prior.mean;
    solved_targets_ = inverse_ * targets;
    solved_mean_ = inverse_ * mean;
    targets_targets_ = targets.dot(solved_targets_);
    targets_mean_ = targets.dot(solved_mean_);
    mean_mean_ = mean.dot(solved_mean_);
    const auto n = static_cast<double>(targets.size());
    log_normaliser_ = n * std::log(2 * std::numbers::pi / precision) +
                      2 * solver.matrixLLT().diagonal().array().log().sum();
  }

  /// log N(targets; scale · Φm, scale² · (V + the outliers' variances)).
  double log_density(double scale, const Outliers& outliers) const {
    const auto n = static_cast<double>(solved_targets_.size());
    const double squares =
        targets_targets_ / (scale * scale) - 2 * targets_mean_ / scale + mean_mean_;
    const double without = -0.5 * (log_normaliser_ + squares) - n * std::log(scale);
    if (outliers.first == kNone) return without;
    const double a = 1 / kOutlierVariance + inverse_(outliers.first, outliers.first);
    const double x = residual(outliers.first, scale);
    if (outliers.second == kNone)
      return without + 0.5 * (x * x / a - std::log(kOutlierVariance * a));
    const double b = 1 / kOutlierVariance + inverse_(outliers.second, outliers.second);
    const double c = inverse_(outliers.first, outliers.second);
    const double y = residual(outliers.second, scale);
    const double determinant = a * b - c * c;
    return without + 0.5 * ((b * x * x - 2 * c * x * y + a * y * y) / determinant -
                            std::log(kOutlierVariance * kOutlierVariance * determinant));
  }

 private:
  double residual(int i, double scale) const {
    return solved_targets_[i] / scale - solved_mean_[i];
  }

  Eigen::MatrixXd inverse_;
  Eigen::VectorXd solved_targets_;
  Eigen::VectorXd solved_mean_;
  double targets_targets_ = 0;
  double targets_mean_ = 0;
  double mean_mean_ = 0;
  double log_normaliser_ = 0;
};

/// A component with outliers, and its log weight at each scale.
struct Explanation {
  const LinearComponent* component = nullptr;
  Outliers outliers;
  std::array<double, 2 * kScaleSteps + 1> log_weights = {};

  double largest() const { return std::ranges::max(log_weights); }
};

double log_scale_of(int step) {
  return kLogScaleStep * (step - kScaleSteps);
}

std::vector<Explanation> likely_explanations(const LinearPrior& prior,
                                             const std::vector<Eigen::MatrixXd>& rows,
                                             const Eigen::VectorXd& targets) {
  const std::vector<Outliers> sets = outlier_sets(static_cast<int>(targets.size()));
  std::vector<Explanation> result;
  double largest = -std::numeric_limits<double>::infinity();
  for (const LinearComponent& component : prior.components) {
    const Evidence evidence(component, rows[component.basis], targets);
    for (const Outliers& outliers : sets) {
      Explanation explanation{&component, outliers, {}};
      const double weight = component.log_weight + log_prior(outliers, targets.size());
      for (int step = 0; step <= 2 * kScaleSteps; ++step) {
        const double deviation = log_scale_of(step) / kLogScaleSd;
        explanation.log_weights[step] =
            weight - 0.5 * deviation * deviation +
            evidence.log_density(std::exp(log_scale_of(step)), outliers);
      }
      largest = std::max(largest, explanation.largest());
      if (explanation.largest() > largest + kLogNegligible) result.push_back(explanation);
    }
  }
  std::erase_if(result,
                [&](const Explanation& x) { return x.largest() <= largest + kLogNegligible; });
  for (Explanation& explanation : result) {
    for (double& weight : explanation.log_weights) weight -= largest;
  }
  return result;
}

/// The conjugate update in weight space, by the prior's Cholesky factor so that nothing
/// ill-conditioned is inverted; one posterior a scale that is likely enough. Probabilities are not
/// normalised yet.
void add_posteriors(const Explanation& explanation, const Eigen::MatrixXd& rows,
                    const Eigen::VectorXd& targets, std::vector<LinearPosterior>& result) {
  const LinearComponent& prior = *explanation.component;
  Eigen::VectorXd precisions = Eigen::VectorXd::Constant(targets.size(), 1 / prior.noise_variance);
  for (const int i : {explanation.outliers.first, explanation.outliers.second}) {
    if (i != kNone) precisions[i] = 1 / (prior.noise_variance + kOutlierVariance);
  }
  const Eigen::MatrixXd factor = prior.covariance.llt().matrixL();
  const Eigen::MatrixXd scaled = rows * factor;
  Eigen::MatrixXd inner = scaled.transpose() * precisions.asDiagonal() * scaled;
  inner.diagonal().array() += 1;
  const Eigen::MatrixXd half = inner.llt().matrixL().solve(factor.transpose());
  const Eigen::MatrixXd covariance = half.transpose() * half;
  const Eigen::MatrixXd gain = covariance * rows.transpose() * precisions.asDiagonal();
  for (int step = 0; step <= 2 * kScaleSteps; ++step) {
    if (explanation.log_weights[step] <= kLogNegligible) continue;
    const double scale = std::exp(log_scale_of(step));
    const Eigen::VectorXd shift = gain * (targets / scale - rows * prior.mean);
    result.push_back({.basis = prior.basis,
                      .probability = std::exp(explanation.log_weights[step]),
                      .mean = scale * (prior.mean + shift),
                      .covariance = scale * scale * covariance,
                      .noise_variance = scale * scale * prior.noise_variance});
  }
}

}  // namespace

std::vector<LinearPosterior> linear_posteriors(const LinearPrior& prior,
                                               const std::vector<Eigen::MatrixXd>& rows,
                                               const Eigen::VectorXd& targets) {
  std::vector<LinearPosterior> result;
  for (const Explanation& explanation : likely_explanations(prior, rows, targets)) {
    add_posteriors(explanation, rows[explanation.component->basis], targets, result);
  }
  double total = 0;
  for (const LinearPosterior& posterior : result) total += posterior.probability;
  for (LinearPosterior& posterior : result) posterior.probability /= total;
  return result;
}

}  // namespace hwnas::estimators
