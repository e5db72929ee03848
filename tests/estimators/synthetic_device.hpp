#pragma once

#include <Eigen/Core>

#include "core/rng.hpp"
#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Networks of four edges with three options each, and what a made-up device would measure.
struct SyntheticDevice {
  FeatureLayout layout;
  FeatureMatrix
      features;  ///< counts of options (kExecution, 3), one-hot (kEncoding, 12), 1 of kGraph
  Eigen::VectorXd truths;  ///< additive but for an option that is cheaper beside itself
  Eigen::VectorXd costs;   ///< truths with relative normal noise
};

inline SyntheticDevice synthetic_device(int networks, double noise, std::uint64_t seed) {
  constexpr int kEdges = 4;
  constexpr int kOptions = 3;
  constexpr double kCosts[kOptions] = {0.1, 1, 4};
  SyntheticDevice device;
  device.layout.groups = {{"counts", FeatureRole::kExecution, 0, kOptions},
                          {"one_hot", FeatureRole::kEncoding, kOptions, kEdges * kOptions},
                          {"graph", FeatureRole::kGraph, kOptions + kEdges * kOptions, 1}};
  device.layout.names.resize(kOptions + kEdges * kOptions + 1, "column");
  device.features.setZero(networks, std::ssize(device.layout.names));
  device.truths.setConstant(networks, 3);
  device.costs.resize(networks);
  Rng rng(seed);
  for (int row = 0; row < networks; ++row) {
    auto features = device.features.row(row);
    for (int edge = 0; edge < kEdges; ++edge) {
      const auto option = static_cast<int>(rng.index(kOptions));
      features[option] += 1;
      features[kOptions + edge * kOptions + option] = 1;
      device.truths[row] += kCosts[option];
    }
    const bool runs_together = features[kOptions + 2] == 1 && features[2 * kOptions + 2] == 1;
    features[kOptions + kEdges * kOptions] = runs_together ? 1 : 0;
    if (runs_together) device.truths[row] -= 3;
    device.costs[row] = device.truths[row] * (1 + noise * rng.normal());
  }
  return device;
}

inline double mean_relative_error(const std::vector<Prediction>& predictions,
                                  const Eigen::VectorXd& truths) {
  double sum = 0;
  for (Eigen::Index i = 0; i < truths.size(); ++i) {
    sum += std::abs(predictions[i].mean / truths[i] - 1) / static_cast<double>(truths.size());
  }
  return sum;
}

inline double coverage(const std::vector<Prediction>& predictions, const Eigen::VectorXd& costs) {
  double count = 0;
  for (Eigen::Index i = 0; i < costs.size(); ++i) {
    const double distance = std::abs(predictions[i].mean - costs[i]);
    count += distance <= 1.645 * predictions[i].standard_deviation ? 1 : 0;
  }
  return count / static_cast<double>(costs.size());
}

}  // namespace hwnas::estimators
