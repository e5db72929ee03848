#pragma once

#include <Eigen/Core>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas::estimators {

/// One network a row.
using FeatureMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// What a group of feature columns says of a network.
enum class FeatureRole {
  kExecution,  ///< what a device would execute under one hypothesis on its runtime's rewriting of
               ///< the graph; groups of this role are alternatives to each other
  kEncoding,   ///< one-hot choices
  kGraph,      ///< shape of the graph: additions, longest paths, width
};

struct FeatureGroup {
  std::string name;  ///< "raw", "bwd", …
  FeatureRole role = FeatureRole::kExecution;
  int begin = 0;  ///< first column
  int size = 0;
};

/// The columns of a feature matrix. Groups do not overlap; together they are all columns.
struct FeatureLayout {
  std::vector<std::string> names;  ///< one a column
  std::vector<FeatureGroup> groups;
};

/// A prediction with its uncertainty: mean ± 1.645 standard deviations is the calibrated central
/// 90 % interval of a new measurement.
struct Prediction {
  double mean = 0;
  double standard_deviation = 0;
};

/// A fitted model of one cost of networks on one device. Immutable, thread-safe.
class Regressor {
 public:
  virtual ~Regressor() = default;
  /// Its row in regressors(), and the "regressor" of to_json.
  virtual std::string_view name() const = 0;
  /// One prediction a row; columns as in the layout it was fitted with.
  virtual std::vector<Prediction> predict(const FeatureMatrix& features) const = 0;
  /// All of the model as versioned text; regressor_from_json gives an equal one.
  virtual nlohmann::json to_json() const = 0;
};

}  // namespace hwnas::estimators
