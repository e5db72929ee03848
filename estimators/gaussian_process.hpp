#pragma once

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "estimators/covariance.hpp"
#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Exact Gaussian process regression (Rasmussen and Williams, "Gaussian Processes for Machine
/// Learning", 2006, algorithm 2.1) of costs over their median, not of their logarithms: latency is
/// additive. The noise of a measurement is proportional to its cost and has Student's
/// t-distribution with 2 degrees of freedom, as timings have heavy tails: a scale mixture of normal
/// distributions whose weights are found by expectation maximisation (Lange, Little and Taylor,
/// "Robust Statistical Modeling Using the t Distribution", JASA 1989, section 3), with the
/// residuals' variances left out. Hyperparameters maximise the posterior given at most 200 of the
/// rows, by 60 iterations of L-BFGS; all rows are used for the rest. For 10 to 2,000 measurements.
class GaussianProcess final : public Regressor {
 public:
  static constexpr std::string_view kName = "gaussian_process";

  std::string_view name() const override { return kName; }
  /// Means are at least 0.2 of the smallest measurement. The deviation is that of a normal
  /// distribution with the same central 90 % as the noise, uncertainty of the mean included.
  /// Throws InvalidArgument for another number of columns.
  std::vector<Prediction> predict(const FeatureMatrix& features) const override;
  nlohmann::json to_json() const override;
  /// Throws InvalidArgument for what to_json did not write.
  static GaussianProcess from_json(const nlohmann::json& json);
  /// Learns from other measurements with this one's covariance and hyperparameters; only the
  /// noise's weights are found anew. Throws as fit_gaussian_process.
  std::unique_ptr<GaussianProcess> refit(const FeatureMatrix& features,
                                         const Eigen::VectorXd& costs) const;

 private:
  friend std::unique_ptr<GaussianProcess> fit_gaussian_process(const FeatureLayout& layout,
                                                               const FeatureMatrix& features,
                                                               const Eigen::VectorXd& costs,
                                                               CovarianceKind kind);
  friend class GaussianProcessFit;

  explicit GaussianProcess(Covariance covariance) : covariance_(std::move(covariance)) {}
  void use(const FeatureMatrix& features, const Eigen::VectorXd& costs);
  /// Variance of a measurement's noise, over that of a typical one, where the target is expected.
  double relative_variance(double target) const;
  /// What predictions need, from the members above solver_.
  void solve();

  Covariance covariance_;
  FeatureMatrix features_;   ///< measured networks
  Eigen::VectorXd targets_;  ///< (cost / median − 1) / spread
  Eigen::VectorXd noise_;    ///< variance of each target
  Eigen::VectorXd logs_;     ///< hyperparameters: those of the covariance, then the noise variance
  double typical_ = 1;       ///< median cost
  double spread_ = 1;
  double least_ = 0;  ///< floor of the means, a cost

  Covariance::Rows rows_;
  Eigen::LLT<Eigen::MatrixXd> solver_;
  Eigen::VectorXd weights_;  ///< (K + noise)⁻¹ targets
};

/// Learns a device from `costs` (one a row of `features`, positive). Throws InvalidArgument if
/// there are fewer than 3, one is not positive, or the rows are all equal.
std::unique_ptr<GaussianProcess> fit_gaussian_process(
    const FeatureLayout& layout, const FeatureMatrix& features, const Eigen::VectorXd& costs,
    CovarianceKind kind = CovarianceKind::kSmooth);

}  // namespace hwnas::estimators
