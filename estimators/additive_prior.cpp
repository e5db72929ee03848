#include "estimators/additive_prior.hpp"

#include <Eigen/Cholesky>
#include <Eigen/SVD>
#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.hpp"

namespace hwnas::estimators {

namespace {

constexpr double kPenalty = 1;
constexpr int kDeviations = 4;
constexpr double kDeviationFactors[] = {0.3, 1, 3};
constexpr double kColumnSds[] = {0.003, 0.02, 0.06};
constexpr double kNoiseVariances[] = {1e-4, 1e-3, 3e-3, 1e-2};

double median(Eigen::VectorXd values) {
  const auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<int> columns_of(const FeatureLayout& layout, FeatureRole role) {
  std::vector<int> columns;
  for (const FeatureGroup& group : layout.groups) {
    for (int i = 0; i < group.size && group.role == role; ++i) columns.push_back(group.begin + i);
  }
  return columns;
}

/// Weights of the constant (first) and of the columns.
Eigen::VectorXd ridge(const Eigen::MatrixXd& rows, const Eigen::VectorXd& targets) {
  const Eigen::RowVectorXd means = rows.colwise().mean();
  const Eigen::MatrixXd centred = rows.rowwise() - means;
  Eigen::MatrixXd gram = centred.transpose() * centred;
  gram.diagonal().array() += kPenalty;
  Eigen::VectorXd weights(rows.cols() + 1);
  weights.tail(rows.cols()) = gram.llt().solve(centred.transpose() * targets);
  weights[0] = targets.mean() - means.dot(weights.tail(rows.cols()));
  return weights;
}

/// Weights of the constant and all columns on each source, a column each.
Eigen::MatrixXd source_weights(const FeatureLayout& layout, std::span<const DeviceCosts> sources) {
  const std::vector<int> columns = columns_of(layout, FeatureRole::kEncoding);
  Eigen::MatrixXd weights =
      Eigen::MatrixXd::Zero(std::ssize(layout.names) + 1, std::ssize(sources));
  for (Eigen::Index i = 0; i < std::ssize(sources); ++i) {
    const DeviceCosts& source = sources[static_cast<std::size_t>(i)];
    if (source.costs.size() <= std::ssize(columns)) {
      throw invalid_argument("a source device has {} networks, too few for {} options",
                             source.costs.size(), columns.size());
    }
    const Eigen::VectorXd fitted =
        ridge(source.features(Eigen::all, columns), source.costs / median(source.costs));
    weights(0, i) = fitted[0];
    for (std::size_t j = 0; j < columns.size(); ++j) {
      weights(columns[j] + 1, i) = fitted[static_cast<Eigen::Index>(j) + 1];
    }
  }
  return weights;
}

/// Collects basis functions, standardised over a pool of networks.
class BasisBuilder {
 public:
  explicit BasisBuilder(const FeatureMatrix& pool) : pool_(pool) {
    projection_.setZero(pool.cols() + 1, 1);
    projection_(0, 0) = 1;
  }

  /// The function's standard deviation; one that is constant is left out, and has 0.
  double add(const Eigen::VectorXd& weights) {
    const Eigen::VectorXd values = pool_ * weights.tail(pool_.cols());
    const double mean = values.mean();
    const double sd = std::sqrt((values.array() - mean).square().mean());
    if (sd < 1e-9) return 0;
    projection_.conservativeResize(Eigen::NoChange, projection_.cols() + 1);
    auto column = projection_.rightCols<1>();
    column = weights / sd;
    column(0) = -mean / sd;
    return sd;
  }

  const Eigen::MatrixXd& projection() const { return projection_; }

 private:
  const FeatureMatrix& pool_;
  Eigen::MatrixXd projection_;
};

/// Principal directions of how the sources deviate from their mean over a pool of networks, as
/// weights; the first ones.
std::vector<Eigen::VectorXd> deviations(const FeatureMatrix& pool, const Eigen::MatrixXd& weights) {
  const Eigen::MatrixXd centred_weights = weights.colwise() - weights.rowwise().mean();
  Eigen::MatrixXd values = pool * centred_weights.bottomRows(pool.cols());
  values.rowwise() -= values.colwise().mean().eval();
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(values, Eigen::ComputeThinU | Eigen::ComputeThinV);
  std::vector<Eigen::VectorXd> result;
  const Eigen::Index count = std::min<Eigen::Index>(kDeviations, weights.cols() - 1);
  for (Eigen::Index i = 0; i < count; ++i) {
    // Scaled so that a typical source has it once.
    result.emplace_back(centred_weights * svd.matrixV().col(i) /
                        std::sqrt(static_cast<double>(weights.cols())));
  }
  return result;
}

}  // namespace

LinearPrior additive_prior(const FeatureLayout& layout, std::span<const DeviceCosts> sources) {
  if (sources.empty() || columns_of(layout, FeatureRole::kEncoding).empty()) {
    throw invalid_argument(
        "a prior over layers needs source devices and one-hot options of the layers");
  }
  const Eigen::MatrixXd weights = source_weights(layout, sources);
  const FeatureMatrix& pool = sources.front().features;
  BasisBuilder builder(pool);
  const double mean_sd = builder.add(weights.rowwise().mean());
  std::vector<double> deviation_sds;
  for (const Eigen::VectorXd& direction : deviations(pool, weights)) {
    const double sd = builder.add(direction);
    if (sd > 0) deviation_sds.push_back(sd);
  }
  for (const int column : columns_of(layout, FeatureRole::kExecution)) {
    builder.add(Eigen::VectorXd::Unit(pool.cols() + 1, column + 1));
  }
  const Eigen::Index functions = builder.projection().cols();
  Eigen::VectorXd mean = Eigen::VectorXd::Zero(functions);
  mean[0] = 1;
  mean[1] = mean_sd;
  LinearPrior prior{.bases = {{"layers", builder.projection()}}, .components = {}};
  for (const double factor : kDeviationFactors) {
    for (const double column_sd : kColumnSds) {
      Eigen::VectorXd sds = Eigen::VectorXd::Constant(functions, column_sd);
      sds[0] = 1;
      sds[1] = 2 * mean_sd;
      for (std::size_t i = 0; i < deviation_sds.size(); ++i) {
        sds[2 + static_cast<Eigen::Index>(i)] = 2 * factor * deviation_sds[i];
      }
      for (const double noise_variance : kNoiseVariances) {
        prior.components.push_back({0, mean, sds.cwiseAbs2().asDiagonal(), noise_variance, 0});
      }
    }
  }
  return prior;
}

}  // namespace hwnas::estimators
