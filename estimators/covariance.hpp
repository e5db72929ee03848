#pragma once

#include <Eigen/Core>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Which columns of a layout a covariance function sees, and how.
enum class CovarianceKind {
  kLinear,      ///< linear in each group of role kExecution
  kSmooth,      ///< and radial in each group of role kEncoding, and in all others together
  kStructural,  ///< and linear in each group of role kGraph
};

/// The covariance of a Gaussian process over rows of features (Rasmussen and Williams, "Gaussian
/// Processes for Machine Learning", 2006, section 4.2):
///   k(x, x') = c + Σ aᵢ ⟨φᵢ(x), φᵢ(x')⟩ + Σ bⱼ exp(−‖φⱼ(x) − φⱼ(x')‖² / (2 lⱼ²)),
/// where φ are the columns of a term, standardised over the rows it was made for and divided by the
/// square root of their number. Columns that are constant there are left out. Hyperparameters are
/// natural logarithms in the order c, then for each term its a, or its b and l.
class Covariance {
 public:
  /// Throws InvalidArgument if all columns that `kind` sees are constant.
  Covariance(const FeatureLayout& layout, const FeatureMatrix& features, CovarianceKind kind);
  /// Throws InvalidArgument, or what nlohmann throws, for what to_json did not write.
  static Covariance from_json(const nlohmann::json& json);
  nlohmann::json to_json() const;

  /// Rows of features as the terms see them, to be prepared once and used often.
  using Rows = std::vector<Eigen::MatrixXd>;
  Rows prepare(const FeatureMatrix& features) const;

  /// Of each term, the inner products or squared distances of all pairs of rows.
  using Products = std::vector<Eigen::MatrixXd>;
  Products products(const Rows& a, const Rows& b) const;

  /// Columns that features have at least.
  int columns_needed() const;
  int parameters() const;
  /// Normal distribution over the hyperparameters, by which they are fitted to few rows.
  Eigen::VectorXd prior_means() const;
  Eigen::VectorXd prior_deviations() const;

  Eigen::MatrixXd value(const Products& products, const Eigen::VectorXd& logs) const;
  /// k(x, x) of each row.
  Eigen::VectorXd variances(const Rows& rows, const Eigen::VectorXd& logs) const;
  /// Σ over all pairs of `weights` · ∂k/∂log, one a hyperparameter.
  Eigen::VectorXd gradient(const Products& products, const Eigen::VectorXd& logs,
                           const Eigen::MatrixXd& weights) const;

 private:
  struct Term {
    bool is_radial = false;
    std::vector<int> columns;
    Eigen::RowVectorXd centers;  ///< one a column
    Eigen::RowVectorXd scales;   ///< φ = (x − center) · scale
  };

  Covariance() = default;
  void add_term(bool is_radial, const std::vector<int>& columns, const FeatureMatrix& features);

  std::vector<Term> terms_;
};

}  // namespace hwnas::estimators
