#pragma once

#include <Eigen/Core>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "estimators/bayes_linear.hpp"
#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// A weighted mean of models of one device, weighed by how well each predicts networks held back
/// from it (Wolpert, "Stacked Generalization", Neural Networks 1992; Breiman, "Stacked
/// Regressions", Machine Learning 1996), with an interval calibrated on the same networks.
class Stack final : public Regressor {
 public:
  static constexpr std::string_view kName = "stack";

  struct Member {
    std::string label;  ///< e.g. "gaussian_process smooth"
    double weight = 0;  ///< all weights sum up to 1
    std::unique_ptr<Regressor> model;
  };

  std::string_view name() const override { return kName; }
  std::vector<Prediction> predict(const FeatureMatrix& features) const override;
  nlohmann::json to_json() const override;
  /// Throws InvalidArgument for what to_json did not write.
  static Stack from_json(const nlohmann::json& json);

  const std::vector<Member>& members() const { return members_; }

 private:
  friend std::unique_ptr<Stack> fit_stack(const FeatureLayout& layout,
                                          const FeatureMatrix& features,
                                          const Eigen::VectorXd& costs, const LinearPrior& prior);
  std::vector<Member> members_;
  double interval_scale_ = 1;
};

/// Learns a device from `costs` (one a row of `features`, positive) by bayes_linear from `prior`,
/// the three covariances of gaussian_process and, from 300 measurements on, boosted_trees.
///
/// Weights are softmax(v) for the v that maximise Π t₂(eᵢ / τ) · N(v; 0, 1), where eᵢ is the
/// relative error of the weighted mean for network i by ten-fold cross-validation (five-fold from
/// 100 measurements on), t₂ the density of Student's t-distribution, and τ the smallest median of a
/// member's |e|: as measurements have heavy tails, squared errors would weigh members by outliers.
/// From 200 measurements on, a Gaussian process keeps its hyperparameters in all folds.
/// A prediction's variance is that of the mixture, times conformal_scale's square.
/// Throws InvalidArgument if there are fewer than 20 measurements, or as the members do.
std::unique_ptr<Stack> fit_stack(const FeatureLayout& layout, const FeatureMatrix& features,
                                 const Eigen::VectorXd& costs, const LinearPrior& prior);

}  // namespace hwnas::estimators
