#pragma once

#include <memory>
#include <span>

#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// A cost that is a sum of counts times costs of one: cycles a loop's body, seconds a byte.
class CountRegressor final : public Regressor {
 public:
  static constexpr std::string_view kName = "counts";

  CountRegressor(Eigen::VectorXd costs, double relative_sd);

  std::string_view name() const override { return kName; }
  /// The standard deviation is a share of the mean.
  std::vector<Prediction> predict(const FeatureMatrix& features) const override;
  nlohmann::json to_json() const override;
  /// Throws InvalidArgument.
  static CountRegressor from_json(const nlohmann::json& json);

  /// Cost of one of each column; 0 where no sample had any.
  const Eigen::VectorXd& costs() const { return costs_; }

 private:
  Eigen::VectorXd costs_;
  double relative_sd_;
};

/// Fits the costs, all of them 0 or more, to measured values: least squares of relative errors
/// under Huber's weights (Huber, "Robust Estimation of a Location Parameter", 1964) by iterative
/// reweighting, so that a failed measurement spoils nothing. A row's error is relative to its
/// prediction, not to its measurement, which may be the failed one. A ridge of 1e-8 of each
/// column's mean square decides between columns that are alike. The standard deviation makes 90 %
/// of the samples fall within 1.645 of it, widened by samples / (samples − costs above 0).
///
/// `counts`: a sample a row, none negative, none all zero. Throws InvalidArgument on sizes that
/// differ, negative or infinite counts, and measurements that are not positive.
std::unique_ptr<CountRegressor> fit_counts(const FeatureMatrix& counts,
                                           std::span<const double> measured);

/// The x of least |Ax − b|² with x ≥ 0, from AᵀA and Aᵀb (Lawson and Hanson, "Solving Least Squares
/// Problems", 1974, chapter 23). `gram` is positive definite.
Eigen::VectorXd non_negative_least_squares(const Eigen::MatrixXd& gram,
                                           const Eigen::VectorXd& moments);

}  // namespace hwnas::estimators
