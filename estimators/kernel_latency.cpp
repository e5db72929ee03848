#include "estimators/kernel_latency.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kVersion = 1;
constexpr int kReweightings = 10;
constexpr double kHuber = 2;           // standard deviations up to which errors count fully
constexpr double kNormalMad = 1.4826;  // standard deviation of a normal over its median |error|
constexpr double kLeastScale = 1e-3;   // below that all samples count fully
constexpr double kRidge = 1e-8;
constexpr double kNinetyPercent = 1.645;

double quantile(std::vector<double> values, double share) {
  const auto at = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

double median(const Eigen::VectorXd& values) {
  return quantile({values.begin(), values.end()}, 0.5);
}

void require_samples(const FeatureMatrix& counts, std::span<const double> measured) {
  if (counts.rows() == 0 || counts.rows() != static_cast<Eigen::Index>(measured.size())) {
    throw invalid_argument("{} rows of counts for {} measurements: both must be as many, and some",
                           counts.rows(), measured.size());
  }
  for (Eigen::Index row = 0; row < counts.rows(); ++row) {
    const double value = measured[static_cast<std::size_t>(row)];
    if (!(value > 0) || !std::isfinite(value)) {
      throw invalid_argument("cost {} is {}, but must be above 0: leave failed ones out", row,
                             value);
    }
    const auto bodies = counts.row(row);
    if (!bodies.allFinite() || bodies.minCoeff() < 0 || bodies.maxCoeff() <= 0) {
      throw invalid_argument("the counts of sample {} must be 0 or more, and one above 0", row);
    }
  }
}

/// Costs by least squares of (counts·costs − measured) / scale with a weight a row.
Eigen::VectorXd weighted_fit(const FeatureMatrix& counts, const Eigen::VectorXd& measured,
                             const Eigen::VectorXd& scale, const Eigen::VectorXd& weights) {
  const Eigen::VectorXd row_factors = weights.cwiseSqrt().cwiseQuotient(scale);
  Eigen::MatrixXd rows = row_factors.asDiagonal() * counts;
  const Eigen::VectorXd columns = rows.colwise().norm().transpose();
  const Eigen::VectorXd inverse =
      columns.unaryExpr([](double norm) { return norm > 0 ? 1 / norm : 0; });
  rows = rows * inverse.asDiagonal();
  Eigen::MatrixXd gram = rows.transpose() * rows;
  gram.diagonal().array() += kRidge;
  const Eigen::VectorXd moments = rows.transpose() * measured.cwiseProduct(row_factors);
  return non_negative_least_squares(gram, moments).cwiseProduct(inverse);
}

}  // namespace

CountRegressor::CountRegressor(Eigen::VectorXd costs, double relative_sd)
    : costs_(std::move(costs)), relative_sd_(relative_sd) {}

std::vector<Prediction> CountRegressor::predict(const FeatureMatrix& features) const {
  if (features.cols() != costs_.size()) {
    throw invalid_argument("{} columns of counts for a model of {}", features.cols(),
                           costs_.size());
  }
  const Eigen::VectorXd means = features * costs_;
  std::vector<Prediction> predictions;
  for (const double mean : means) predictions.push_back({mean, relative_sd_ * mean});
  return predictions;
}

nlohmann::json CountRegressor::to_json() const {
  return {{"regressor", name()},
          {"version", kVersion},
          {"costs", std::vector<double>(costs_.begin(), costs_.end())},
          {"relative_sd", relative_sd_}};
}

CountRegressor CountRegressor::from_json(const nlohmann::json& json) {
  try {
    if (json.at("regressor") != kName) {
      throw invalid_argument("not a model of counts, but of {}", json.at("regressor").dump());
    }
    if (json.at("version") != kVersion) {
      throw invalid_argument("a model of counts of version {}; this program reads version {}",
                             json.at("version").dump(), kVersion);
    }
    const auto costs = json.at("costs").get<std::vector<double>>();
    return CountRegressor(
        Eigen::Map<const Eigen::VectorXd>(costs.data(), static_cast<Eigen::Index>(costs.size())),
        json.at("relative_sd").get<double>());
  } catch (const nlohmann::json::exception& fault) {
    throw invalid_argument("malformed model of counts: {}", fault.what());
  }
}

std::unique_ptr<CountRegressor> fit_counts(const FeatureMatrix& counts,
                                           std::span<const double> measured) {
  require_samples(counts, measured);
  const Eigen::VectorXd target = Eigen::Map<const Eigen::VectorXd>(
      measured.data(), static_cast<Eigen::Index>(measured.size()));
  // Loops' bodies cost about the same: their number is a first prediction.
  Eigen::VectorXd predicted = counts.rowwise().sum();
  predicted *= median(target.cwiseQuotient(predicted));
  Eigen::VectorXd weights = Eigen::VectorXd::Ones(target.size());
  Eigen::VectorXd costs;
  for (int i = 0; i < kReweightings; ++i) {
    costs = weighted_fit(counts, target, predicted, weights);
    const Eigen::VectorXd fitted = counts * costs;
    const Eigen::VectorXd errors = (target - fitted).cwiseQuotient(predicted).cwiseAbs();
    const double bound = kHuber * std::max(kNormalMad * median(errors), kLeastScale);
    weights = errors.unaryExpr([&](double error) { return error > bound ? bound / error : 1; });
    predicted = fitted.cwiseMax(0.05 * predicted);
  }
  const Eigen::VectorXd errors = (target - counts * costs).cwiseQuotient(predicted).cwiseAbs();
  const double samples = static_cast<double>(target.size());
  const double used = static_cast<double>((costs.array() > 0).count());
  const double relative_sd = quantile({errors.begin(), errors.end()}, 0.9) / kNinetyPercent *
                             samples / std::max(samples - used, 1.0);
  return std::make_unique<CountRegressor>(std::move(costs), relative_sd);
}

Eigen::VectorXd non_negative_least_squares(const Eigen::MatrixXd& gram,
                                           const Eigen::VectorXd& moments) {
  const Eigen::Index size = moments.size();
  Eigen::VectorXd x = Eigen::VectorXd::Zero(size);
  std::vector<Eigen::Index> free;
  const double tolerance = 1e-10 * std::max(moments.cwiseAbs().maxCoeff(), 1e-300);
  for (Eigen::Index step = 0; step < 3 * size; ++step) {
    Eigen::VectorXd gradient = moments - gram * x;
    for (const Eigen::Index column : free) gradient[column] = 0;
    Eigen::Index enters = 0;
    if (gradient.maxCoeff(&enters) <= tolerance) break;
    free.push_back(enters);
    while (!free.empty()) {
      const Eigen::VectorXd solution = gram(free, free).llt().solve(moments(free));
      if (solution.minCoeff() > 0) {
        x(free) = solution;
        break;
      }
      // Go towards the solution until the first value is 0, and leave that out.
      double reach = 1;
      for (std::size_t k = 0; k < free.size(); ++k) {
        const double value = solution[static_cast<Eigen::Index>(k)];
        if (value <= 0) reach = std::min(reach, x[free[k]] / (x[free[k]] - value));
      }
      const Eigen::VectorXd before = x(free);
      x(free) = before + reach * (solution - before);
      std::erase_if(free, [&](Eigen::Index column) {
        const bool leaves = x[column] <= 1e-14 * x.maxCoeff() || x[column] <= 0;
        if (leaves) x[column] = 0;
        return leaves;
      });
    }
  }
  return x;
}

}  // namespace hwnas::estimators
