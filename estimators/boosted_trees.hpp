#pragma once

#include <Eigen/Core>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Gradient-boosted regression trees of the logarithms of costs over their median (Chen and
/// Guestrin, "XGBoost: A Scalable Tree Boosting System", KDD 2016; the library). For 300
/// measurements and more, where devices overlap operators or run branches in parallel. Fitted on
/// one thread from a fixed seed, so that the same measurements give the same trees.
class BoostedTrees final : public Regressor {
 public:
  static constexpr std::string_view kName = "boosted_trees";

  std::string_view name() const override { return kName; }
  /// The standard deviation is the same share of every mean. Throws InvalidArgument for another
  /// number of columns.
  std::vector<Prediction> predict(const FeatureMatrix& features) const override;
  nlohmann::json to_json() const override;
  /// Throws InvalidArgument for what to_json did not write.
  static BoostedTrees from_json(const nlohmann::json& json);

 private:
  friend std::unique_ptr<BoostedTrees> train_boosted_trees(const FeatureMatrix& features,
                                                           const Eigen::VectorXd& costs,
                                                           double relative_deviation);
  std::shared_ptr<void> booster_;  ///< XGBoost's handle
  Eigen::Index columns_ = 0;
  double typical_ = 1;  ///< median cost
  double relative_deviation_ = 0;
};

/// Learns a device from `costs` (one a row of `features`, positive). The deviation that predictions
/// state comes from those of five-fold cross-validation: the interval holds nine in ten of them.
/// Throws InvalidArgument if there are fewer than 10 or one is not positive, Internal if the
/// library fails.
std::unique_ptr<BoostedTrees> fit_boosted_trees(const FeatureMatrix& features,
                                                const Eigen::VectorXd& costs);

/// The same without cross-validation: predictions state the given deviation, over their mean.
std::unique_ptr<BoostedTrees> train_boosted_trees(const FeatureMatrix& features,
                                                  const Eigen::VectorXd& costs,
                                                  double relative_deviation);

}  // namespace hwnas::estimators
