#include "estimators/covariance.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/error.hpp"
#include "estimators/json_matrix.hpp"

namespace hwnas::estimators {

namespace {

/// Means and standard deviations of hyperparameters, for targets of unit variance.
struct LogNormal {
  double mean;  ///< of the value
  double deviation;
};
constexpr LogNormal kConstant = {0.1, 1};
constexpr LogNormal kLinearAmplitude = {1, 1.5};
constexpr LogNormal kRadialAmplitude = {0.3, 1.5};
constexpr LogNormal kLength = {1, 0.7};

constexpr double kConstantColumn = 1e-9;  // a standard deviation below it is none

std::vector<int> columns_of(const FeatureGroup& group) {
  std::vector<int> columns(group.size);
  std::iota(columns.begin(), columns.end(), group.begin);
  return columns;
}

Eigen::MatrixXd squared_distances(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b) {
  Eigen::MatrixXd result = -2 * a * b.transpose();
  result.colwise() += a.rowwise().squaredNorm();
  result.rowwise() += b.rowwise().squaredNorm().transpose();
  return result.cwiseMax(0);
}

Eigen::ArrayXXd radial(const Eigen::MatrixXd& squares, double log_amplitude, double log_length) {
  return (log_amplitude - 0.5 * std::exp(-2 * log_length) * squares.array()).exp();
}

}  // namespace

Covariance::Covariance(const FeatureLayout& layout, const FeatureMatrix& features,
                       CovarianceKind kind) {
  std::vector<int> countable;
  for (const FeatureGroup& group : layout.groups) {
    const std::vector<int> columns = columns_of(group);
    const bool is_encoding = group.role == FeatureRole::kEncoding;
    if (!is_encoding) countable.insert(countable.end(), columns.begin(), columns.end());
    if (group.role == FeatureRole::kExecution ||
        (group.role == FeatureRole::kGraph && kind == CovarianceKind::kStructural)) {
      add_term(/*is_radial=*/false, columns, features);
    }
    if (is_encoding && kind != CovarianceKind::kLinear) {
      add_term(/*is_radial=*/true, columns, features);
    }
  }
  if (kind != CovarianceKind::kLinear) add_term(/*is_radial=*/true, countable, features);
  if (terms_.empty()) {
    throw invalid_argument("the features of all {} networks are equal: measure different ones",
                           features.rows());
  }
}

void Covariance::add_term(bool is_radial, const std::vector<int>& columns,
                          const FeatureMatrix& features) {
  Term term{.is_radial = is_radial, .columns = {}, .centers = {}, .scales = {}};
  std::vector<double> centers;
  std::vector<double> scales;
  for (const int column : columns) {
    const double center = features.col(column).mean();
    const double deviation = std::sqrt((features.col(column).array() - center).square().mean());
    if (deviation < kConstantColumn) continue;
    term.columns.push_back(column);
    centers.push_back(center);
    scales.push_back(1 / deviation);
  }
  if (term.columns.empty()) return;
  const auto width = static_cast<Eigen::Index>(scales.size());
  term.centers = Eigen::Map<Eigen::RowVectorXd>(centers.data(), width);
  term.scales =
      Eigen::Map<Eigen::RowVectorXd>(scales.data(), width) / std::sqrt(static_cast<double>(width));
  terms_.push_back(std::move(term));
}

Covariance::Rows Covariance::prepare(const FeatureMatrix& features) const {
  Rows rows;
  for (const Term& term : terms_) {
    Eigen::MatrixXd part = features(Eigen::all, term.columns);
    part.rowwise() -= term.centers;
    part.array().rowwise() *= term.scales.array();
    rows.push_back(std::move(part));
  }
  return rows;
}

Covariance::Products Covariance::products(const Rows& a, const Rows& b) const {
  Products products;
  for (std::size_t i = 0; i < terms_.size(); ++i) {
    products.push_back(terms_[i].is_radial ? squared_distances(a[i], b[i])
                                           : Eigen::MatrixXd(a[i] * b[i].transpose()));
  }
  return products;
}

int Covariance::columns_needed() const {
  int needed = 0;
  for (const Term& term : terms_) needed = std::max(needed, std::ranges::max(term.columns) + 1);
  return needed;
}

int Covariance::parameters() const {
  int count = 1;
  for (const Term& term : terms_) count += term.is_radial ? 2 : 1;
  return count;
}

Eigen::VectorXd Covariance::prior_means() const {
  Eigen::VectorXd means(parameters());
  Eigen::Index i = 0;
  means[i++] = std::log(kConstant.mean);
  for (const Term& term : terms_) {
    means[i++] = std::log(term.is_radial ? kRadialAmplitude.mean : kLinearAmplitude.mean);
    if (term.is_radial) means[i++] = std::log(kLength.mean);
  }
  return means;
}

Eigen::VectorXd Covariance::prior_deviations() const {
  Eigen::VectorXd deviations(parameters());
  Eigen::Index i = 0;
  deviations[i++] = kConstant.deviation;
  for (const Term& term : terms_) {
    deviations[i++] = term.is_radial ? kRadialAmplitude.deviation : kLinearAmplitude.deviation;
    if (term.is_radial) deviations[i++] = kLength.deviation;
  }
  return deviations;
}

Eigen::MatrixXd Covariance::value(const Products& products, const Eigen::VectorXd& logs) const {
  const Eigen::MatrixXd& first = products.front();
  Eigen::MatrixXd sum = Eigen::MatrixXd::Constant(first.rows(), first.cols(), std::exp(logs[0]));
  Eigen::Index i = 1;
  for (std::size_t term = 0; term < terms_.size(); ++term) {
    if (terms_[term].is_radial) {
      sum.array() += radial(products[term], logs[i], logs[i + 1]);
      i += 2;
    } else {
      sum += std::exp(logs[i++]) * products[term];
    }
  }
  return sum;
}

Eigen::VectorXd Covariance::variances(const Rows& rows, const Eigen::VectorXd& logs) const {
  Eigen::VectorXd sum = Eigen::VectorXd::Constant(rows.front().rows(), std::exp(logs[0]));
  Eigen::Index i = 1;
  for (std::size_t term = 0; term < terms_.size(); ++term) {
    const double amplitude = std::exp(logs[i]);
    if (terms_[term].is_radial) {
      sum.array() += amplitude;
      i += 2;
    } else {
      sum += amplitude * rows[term].rowwise().squaredNorm();
      ++i;
    }
  }
  return sum;
}

Eigen::VectorXd Covariance::gradient(const Products& products, const Eigen::VectorXd& logs,
                                     const Eigen::MatrixXd& weights) const {
  Eigen::VectorXd gradient(parameters());
  gradient[0] = std::exp(logs[0]) * weights.sum();
  Eigen::Index i = 1;
  for (std::size_t term = 0; term < terms_.size(); ++term) {
    const Eigen::MatrixXd& pairs = products[term];
    if (terms_[term].is_radial) {
      const Eigen::ArrayXXd weighted = radial(pairs, logs[i], logs[i + 1]) * weights.array();
      gradient[i] = weighted.sum();
      gradient[i + 1] = std::exp(-2 * logs[i + 1]) * (weighted * pairs.array()).sum();
      i += 2;
    } else {
      gradient[i] = std::exp(logs[i]) * weights.cwiseProduct(pairs).sum();
      ++i;
    }
  }
  return gradient;
}

nlohmann::json Covariance::to_json() const {
  nlohmann::json terms = nlohmann::json::array();
  for (const Term& term : terms_) {
    terms.push_back({{"radial", term.is_radial},
                     {"columns", term.columns},
                     {"centers", matrix_to_json(term.centers)},
                     {"scales", matrix_to_json(term.scales)}});
  }
  return terms;
}

Covariance Covariance::from_json(const nlohmann::json& json) {
  Covariance covariance;
  for (const nlohmann::json& entry : json) {
    Term term{.is_radial = entry.at("radial"),
              .columns = entry.at("columns"),
              .centers = matrix_from_json(entry.at("centers")),
              .scales = matrix_from_json(entry.at("scales"))};
    const auto width = static_cast<Eigen::Index>(term.columns.size());
    if (width == 0 || std::ranges::min(term.columns) < 0 || term.centers.size() != width ||
        term.scales.size() != width) {
      throw invalid_argument("a term of {} columns has {} centers and {} scales", width,
                             term.centers.size(), term.scales.size());
    }
    covariance.terms_.push_back(std::move(term));
  }
  if (covariance.terms_.empty()) throw invalid_argument("a covariance has no terms");
  return covariance;
}

}  // namespace hwnas::estimators
