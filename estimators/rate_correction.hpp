#pragma once

#include <Eigen/Core>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "estimators/cost_model.hpp"
#include "estimators/deployment.hpp"

namespace hwnas::estimators {

/// What measurements of a few networks say of a profile's rates. A network's latency is taken for
///   t = sum over kernel classes c of f_c t_c, plus f_0 T,
/// where t_c is the time that the profile predicts for its kernels of class c, and T the mean time
/// predicted for the networks measured so far: f_0 is what every inference costs. Where nothing has
/// been measured, f_c = 1 and f_0 = 0. The prior of the factors is normal; half of its variance is
/// common to all classes, since a device that is slower than its profile mostly is so in every
/// kernel.
///
/// Bayesian linear regression of the ratios t / predicted, averaged by their evidence over values
/// of the noise and over two priors: that the profile is right, and that it is right but for one
/// factor (MacKay, "Bayesian Interpolation", Neural Computation 1992). Deterministic, and the same
/// in any order of the measurements up to rounding. Predicting is thread-safe, adding is not.
class RateCorrection {
 public:
  static constexpr int kFactors = static_cast<int>(KernelClass::kNone) + 1;

  /// `relative_sd`: the standard deviation of the profile's predictions; less than 0.02 counts as
  /// that.
  explicit RateCorrection(double relative_sd);

  /// What the profile predicts for the kernels of each class, conv to elementwise, and 1 for what
  /// every inference costs: the terms that factors are learned of.
  static Eigen::VectorXd terms(const ir::Network& network, const Estimate& predicted);

  /// Adds a measurement, in the unit of the prediction. `predicted` is the profile's for the
  /// network: above 0, with one value a layer.
  void add(const ir::Network& network, const Estimate& predicted, double measured);

  /// The profile's prediction corrected, in its sum and in each layer. Before the first measurement
  /// it is returned as it is.
  Estimate correct(const ir::Network& network, const Estimate& predicted) const;

  /// All of it as JSON; from_json gives an equal one. Throws InvalidArgument for what to_json did
  /// not write.
  nlohmann::json to_json() const;
  static RateCorrection from_json(const nlohmann::json& json);

  std::size_t measurements() const { return rows_.size(); }
  /// The posterior mean of f_c; 1 before the first measurement.
  double factor(KernelClass kernel_class) const;

 private:
  /// Times that the profile predicts, by kernel class.
  struct Row {
    Eigen::VectorXd times;
    double predicted = 0;
    double measured = 0;
  };
  /// Of one prior and one value of the noise.
  struct Posterior {
    double log_evidence = 0;
    double weight = 0;
    double noise_variance = 0;
    Eigen::VectorXd mean;
    Eigen::MatrixXd covariance;
  };

  /// All that a fit needs of the measurements.
  struct Moments {
    Eigen::MatrixXd squares;   ///< sharesᵀ shares
    Eigen::VectorXd products;  ///< sharesᵀ ratios
    double ratio_squares = 0;  ///< ratiosᵀ ratios
  };

  void fit();
  Posterior posterior(const Moments& moments, double scale, double relative_noise) const;
  Eigen::VectorXd shares(const Eigen::VectorXd& times, double predicted) const;
  Eigen::VectorXd mean_factors() const;

  double relative_sd_;
  Eigen::VectorXd prior_mean_;
  Eigen::MatrixXd prior_covariance_;
  std::vector<Row> rows_;
  double mean_predicted_ = 0;  ///< T
  std::vector<Posterior> posteriors_;
};

}  // namespace hwnas::estimators
