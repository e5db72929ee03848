#pragma once

#include <Eigen/Core>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/error.hpp"

namespace hwnas::estimators {

/// {"rows": r, "columns": c, "values": [row by row]}. nlohmann writes doubles so that they read
/// back the same.
inline nlohmann::json matrix_to_json(const Eigen::MatrixXd& matrix) {
  nlohmann::json values = nlohmann::json::array();
  for (const auto row : matrix.rowwise()) {
    for (const double value : row) values.push_back(value);
  }
  return {{"rows", matrix.rows()}, {"columns", matrix.cols()}, {"values", std::move(values)}};
}

/// Throws InvalidArgument if there are not rows · columns values, and what nlohmann throws.
inline Eigen::MatrixXd matrix_from_json(const nlohmann::json& json) {
  const Eigen::Index rows = json.at("rows");
  const Eigen::Index columns = json.at("columns");
  const nlohmann::json& values = json.at("values");
  const auto count = static_cast<Eigen::Index>(values.size());
  if (rows < 0 || columns < 0 || (columns > 0 ? rows != count / columns : count != 0) ||
      rows * columns != count) {
    throw invalid_argument("a matrix of {} × {} has {} values", rows, columns, count);
  }
  Eigen::MatrixXd matrix(rows, columns);
  for (Eigen::Index i = 0; i < count; ++i) {
    matrix(i / columns, i % columns) = values[static_cast<std::size_t>(i)];
  }
  return matrix;
}

/// What `read` makes of a model's JSON, whose "regressor" and "version" are checked before. Throws
/// InvalidArgument, also where `read` throws nlohmann's exceptions.
template <typename Read>
auto read_model(std::string_view name, int version, const nlohmann::json& json, Read read) {
  try {
    if (json.at("regressor") != name) {
      throw invalid_argument("the regressor is {}, not {}", json.at("regressor").dump(), name);
    }
    if (json.at("version") != version) {
      throw invalid_argument("{} of version {}; this program reads version {}: fit it again", name,
                             json.at("version").dump(), version);
    }
    return read();
  } catch (const nlohmann::json::exception& e) {
    throw invalid_argument("{}: {}", name, e.what());
  }
}

}  // namespace hwnas::estimators
