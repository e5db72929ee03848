#pragma once

#include <Eigen/Core>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Basis functions that are linear in a row of features.
struct LinearBasis {
  std::string name;            ///< of the hypothesis, e.g. "bwd"
  Eigen::MatrixXd projection;  ///< (1 + columns) × functions; row 0 is the constant's
};

/// One belief on a device, in costs divided by the device's typical one: normal weights of a basis
/// and normal noise.
struct LinearComponent {
  int basis = 0;  ///< index into LinearPrior::bases
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;  ///< symmetric positive definite
  double noise_variance = 0;
  double log_weight = 0;  ///< before the first measurement; need not be normalised
};

/// What is believed of a device before it is measured: alternatives, weighed by the measurements.
struct LinearPrior {
  std::vector<LinearBasis> bases;
  std::vector<LinearComponent> components;
};

/// How likely a hypothesis is after the measurements.
struct HypothesisWeight {
  std::string name;
  double probability = 0;
};

/// Bayesian model averaging over linear models (Hoeting et al., "Bayesian Model Averaging: A
/// Tutorial", Statistical Science 1999): each component is conjugate, and its weight is its
/// evidence. For 1 to a few thousand measurements; 84 components of 5 weights take microseconds.
class BayesLinear final : public Regressor {
 public:
  static constexpr std::string_view kName = "bayes_linear";

  std::string_view name() const override { return kName; }
  /// Means are at least 0.2 of the smallest measurement.
  std::vector<Prediction> predict(const FeatureMatrix& features) const override;
  /// Of the noise-free costs of the networks `a` (rows) and `b` (columns).
  Eigen::MatrixXd covariance(const FeatureMatrix& a, const FeatureMatrix& b) const;
  /// Of a measurement that is no outlier.
  double noise_variance() const { return noise_variance_; }
  nlohmann::json to_json() const override;
  /// Throws InvalidArgument for what to_json did not write.
  static BayesLinear from_json(const nlohmann::json& json);

  /// One a basis of the prior, summing up to 1.
  std::vector<HypothesisWeight> hypotheses() const;

 private:
  friend std::unique_ptr<BayesLinear> fit_bayes_linear(const LinearPrior& prior,
                                                       const FeatureMatrix& features,
                                                       const Eigen::VectorXd& costs);
  /// The posterior's components of one basis, merged: all that a prediction needs of them.
  struct Moments {
    LinearBasis basis;
    double probability = 0;
    Eigen::VectorXd first;   ///< Σ p · E[w]
    Eigen::MatrixXd second;  ///< Σ p · E[w wᵀ]
  };

  std::vector<Moments> moments_;
  double noise_variance_ = 0;  ///< of a measurement, mean over the components
  double least_ = 0;           ///< floor of the means
};

/// Learns a device from `costs` (one a row of `features`, positive). Throws InvalidArgument if
/// there is none, one is not positive, or the columns are not the prior's.
std::unique_ptr<BayesLinear> fit_bayes_linear(const LinearPrior& prior,
                                              const FeatureMatrix& features,
                                              const Eigen::VectorXd& costs);

}  // namespace hwnas::estimators
