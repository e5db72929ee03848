#include "estimators/rate_correction.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "estimators/measured_costs.hpp"

namespace hwnas::estimators {
namespace {

// Factors are of the kernel classes in the order of the enumeration, then of what every inference
// costs.
constexpr int kClasses = RateCorrection::kFactors - 1;

// A profile that claims to be exact could not learn from measurements.
constexpr double kLeastRelativeSd = 0.02;

// Relative standard deviations of the noise that are weighed against each other: from what a good
// timer leaves to a device whose times the profile's terms do not explain.
constexpr double kNoises[] = {0.002, 0.005, 0.01, 0.02, 0.035, 0.05, 0.08, 0.12, 0.2, 0.35};

// Of a factor nobody expected, in units of log evidence: odds of one to twenty.
constexpr double kScalePenalty = 3;

// No network is predicted faster than this share of the smallest measured ratio.
constexpr double kLeastRatio = 0.2;

/// The class of each layer that takes time. What fuses differently in this runtime than by default
/// counts as elementwise.
std::vector<KernelClass> classes_of(const ir::Network& network, const Estimate& predicted) {
  assert(predicted.per_layer.size() == network.layers.size());
  const std::vector<Kernel> work = kernels(network);
  std::vector<KernelClass> classes;
  for (std::size_t i = 0; i < work.size(); ++i) {
    const bool unknown = work[i].kind == KernelClass::kNone && predicted.per_layer[i] > 0;
    classes.push_back(unknown ? KernelClass::kElementwise : work[i].kind);
  }
  return classes;
}

Eigen::VectorXd times_by_class(const std::vector<KernelClass>& classes, const Estimate& predicted) {
  Eigen::VectorXd times = Eigen::VectorXd::Zero(kClasses);
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] != KernelClass::kNone) {
      times[static_cast<int>(classes[i])] += predicted.per_layer[i];
    }
  }
  return times;
}

double positive(const nlohmann::json& json) {
  const double value = json.get<double>();
  if (!(value > 0) || !std::isfinite(value)) {
    throw invalid_argument("{} is no positive number", json.dump());
  }
  return value;
}

}  // namespace

RateCorrection::RateCorrection(double relative_sd)
    : relative_sd_(std::max(relative_sd, kLeastRelativeSd)),
      prior_mean_(Eigen::VectorXd::Ones(kFactors)),
      prior_covariance_(Eigen::MatrixXd::Constant(kFactors, kFactors, 0.5)) {
  prior_covariance_.diagonal().array() += 0.5;
  prior_covariance_.row(kClasses).setZero();
  prior_covariance_.col(kClasses).setZero();
  prior_covariance_(kClasses, kClasses) = 0.25;
  prior_covariance_ *= relative_sd_ * relative_sd_;
  prior_mean_[kClasses] = 0;
}

Eigen::VectorXd RateCorrection::terms(const ir::Network& network, const Estimate& predicted) {
  Eigen::VectorXd result(kFactors);
  result << times_by_class(classes_of(network, predicted), predicted), 1;
  return result;
}

void RateCorrection::add(const ir::Network& network, const Estimate& predicted, double measured) {
  assert(predicted.value > 0);
  rows_.push_back(
      {times_by_class(classes_of(network, predicted), predicted), predicted.value, measured});
  fit();
}

nlohmann::json RateCorrection::to_json() const {
  nlohmann::json rows = nlohmann::json::array();
  for (const Row& row : rows_) {
    rows.push_back({{"times", std::vector<double>(row.times.begin(), row.times.end())},
                    {"predicted", row.predicted},
                    {"measured", row.measured}});
  }
  return {{"relative_sd", relative_sd_}, {"measurements", std::move(rows)}};
}

RateCorrection RateCorrection::from_json(const nlohmann::json& json) try {
  RateCorrection correction(positive(json.at("relative_sd")));
  for (const nlohmann::json& item : json.at("measurements")) {
    const auto times = item.at("times").get<std::vector<double>>();
    if (times.size() != kClasses) {
      throw invalid_argument("a measurement has times of {} kernel classes, not {}", times.size(),
                             kClasses);
    }
    correction.rows_.push_back({Eigen::Map<const Eigen::VectorXd>(times.data(), kClasses),
                                positive(item.at("predicted")), positive(item.at("measured"))});
  }
  if (!correction.rows_.empty()) correction.fit();
  return correction;
} catch (const nlohmann::json::exception& failure) {
  throw invalid_argument("no correction of rates: {}", failure.what());
}

Eigen::VectorXd RateCorrection::shares(const Eigen::VectorXd& times, double predicted) const {
  Eigen::VectorXd result(kFactors);
  result << times / predicted, mean_predicted_ / predicted;
  return result;
}

/// `scale`: the factor by which all rates of the profile are off, before any class has its own. In
/// the space of the factors, so that it costs the same however much was measured. The evidence
/// lacks constants that are the same for every prior and noise.
RateCorrection::Posterior RateCorrection::posterior(const Moments& moments, double scale,
                                                    double relative_noise) const {
  const double noise_variance = std::pow(relative_noise * scale, 2);
  const Eigen::VectorXd mean = scale * prior_mean_;
  const Eigen::VectorXd residual_products = moments.products - moments.squares * mean;
  const double residual_squares =
      moments.ratio_squares - 2 * moments.products.dot(mean) + mean.dot(moments.squares * mean);
  const Eigen::MatrixXd prior_precision = (scale * scale * prior_covariance_)
                                              .llt()
                                              .solve(Eigen::MatrixXd::Identity(kFactors, kFactors));
  const Eigen::LLT<Eigen::MatrixXd> precision(prior_precision + moments.squares / noise_variance);
  const Eigen::VectorXd shift = precision.solve(residual_products) / noise_variance;
  const auto half_log_determinant = [](const Eigen::LLT<Eigen::MatrixXd>& factorised) {
    const Eigen::MatrixXd lower = factorised.matrixL();
    return lower.diagonal().array().log().sum();
  };
  const double misfit = (residual_squares - residual_products.dot(shift)) / noise_variance;
  const auto n = static_cast<double>(rows_.size());
  return {.log_evidence = -0.5 * (misfit + n * std::log(noise_variance)) -
                          half_log_determinant(precision) +
                          half_log_determinant(prior_precision.llt()),
          .weight = 0,
          .noise_variance = noise_variance,
          .mean = mean + shift,
          .covariance = precision.solve(Eigen::MatrixXd::Identity(kFactors, kFactors))};
}

void RateCorrection::fit() {
  const auto n = static_cast<Eigen::Index>(rows_.size());
  mean_predicted_ = 0;
  for (const Row& row : rows_) mean_predicted_ += row.predicted / static_cast<double>(n);
  Eigen::MatrixXd all_shares(n, kFactors);
  Eigen::VectorXd ratios(n);
  for (Eigen::Index i = 0; i < n; ++i) {
    all_shares.row(i) = shares(rows_[i].times, rows_[i].predicted);
    ratios[i] = rows_[i].measured / rows_[i].predicted;
  }
  const Moments moments{.squares = all_shares.transpose() * all_shares,
                        .products = all_shares.transpose() * ratios,
                        .ratio_squares = ratios.squaredNorm()};
  const double typical_ratio = median(ratios);
  posteriors_.clear();
  for (const double noise : kNoises) {
    posteriors_.push_back(posterior(moments, 1, noise));
    // A scale taken from the measurements costs the evidence of one fitted parameter (Schwarz,
    // "Estimating the Dimension of a Model", Annals of Statistics 1978) and of its wide prior.
    posteriors_.push_back(posterior(moments, typical_ratio, noise));
    posteriors_.back().log_evidence -= kScalePenalty + 0.5 * std::log(static_cast<double>(n));
  }
  const double best =
      std::ranges::max_element(posteriors_, {}, &Posterior::log_evidence)->log_evidence;
  double sum = 0;
  for (Posterior& each : posteriors_) sum += each.weight = std::exp(each.log_evidence - best);
  for (Posterior& each : posteriors_) each.weight /= sum;
}

Eigen::VectorXd RateCorrection::mean_factors() const {
  if (posteriors_.empty()) return prior_mean_;
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(kFactors);
  for (const Posterior& each : posteriors_) mean += each.weight * each.mean;
  return mean;
}

double RateCorrection::factor(KernelClass kernel_class) const {
  return mean_factors()[static_cast<int>(kernel_class)];
}

Estimate RateCorrection::correct(const ir::Network& network, const Estimate& predicted) const {
  if (posteriors_.empty() || predicted.value <= 0) return predicted;
  const std::vector<KernelClass> classes = classes_of(network, predicted);
  const Eigen::VectorXd share = shares(times_by_class(classes, predicted), predicted.value);
  const Eigen::VectorXd factors = mean_factors();
  double variance = 0;
  for (const Posterior& each : posteriors_) {
    const double shift = share.dot(each.mean - factors);
    variance +=
        each.weight * (share.dot(each.covariance * share) + each.noise_variance + shift * shift);
  }
  double least = std::numeric_limits<double>::infinity();
  for (const Row& row : rows_) least = std::min(least, row.measured / row.predicted);

  Estimate corrected = predicted;
  corrected.value = predicted.value * std::max(share.dot(factors), kLeastRatio * least);
  corrected.standard_deviation = predicted.value * std::sqrt(variance);
  double sum = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i] == KernelClass::kNone) continue;
    corrected.per_layer[i] *= std::max(factors[static_cast<int>(classes[i])], 0.0);
    sum += corrected.per_layer[i];
  }
  // What every inference costs is shared out over the layers, so that the parts sum up.
  for (double& part : corrected.per_layer) part *= sum > 0 ? corrected.value / sum : 0;
  return corrected;
}

}  // namespace hwnas::estimators
