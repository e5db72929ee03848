#include "estimators/power_times_latency.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "estimators/json_matrix.hpp"
#include "estimators/measured_costs.hpp"
#include "estimators/regressors.hpp"

namespace hwnas::estimators {

namespace {

constexpr int kVersion = 1;
constexpr Eigen::Index kLeast = 3;

/// Quantile .95 of Student's t-distribution over that of the normal one (Cornish and Fisher's
/// expansion, Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, 26.7.5; with 2
/// degrees of freedom 3 % too small).
double widening(double freedom) {
  const double square = kNormal95 * kNormal95;
  const double first = (square + 1) / 4;
  const double second = ((5 * square + 16) * square + 3) / 96;
  const double third = (((3 * square + 19) * square + 17) * square - 15) / 384;
  return 1 + (first + (second + third / freedom) / freedom) / freedom;
}

}  // namespace

std::unique_ptr<PowerTimesLatency> fit_power(std::unique_ptr<Regressor> latency,
                                             const Eigen::VectorXd& latencies,
                                             const Eigen::VectorXd& energies) {
  check_measured(PowerTimesLatency::kName, latencies, energies, kLeast);
  check_measured(PowerTimesLatency::kName, energies, latencies, kLeast);
  const Eigen::VectorXd powers = energies.cwiseQuotient(latencies);
  auto model = std::make_unique<PowerTimesLatency>();
  model->latency_ = std::move(latency);
  model->power_ = median(powers);
  const auto freedom = static_cast<double>(powers.size() - 1);
  const double variance = (powers.array() / model->power_ - 1).square().sum() / freedom;
  model->relative_spread_ = widening(freedom) * std::sqrt(variance);
  return model;
}

std::vector<Prediction> PowerTimesLatency::predict(const FeatureMatrix& features) const {
  std::vector<Prediction> result = latency_->predict(features);
  for (Prediction& prediction : result) {
    const double relative =
        std::hypot(prediction.standard_deviation / prediction.mean, relative_spread_);
    prediction.mean *= power_;
    prediction.standard_deviation = relative * prediction.mean;
  }
  return result;
}

nlohmann::json PowerTimesLatency::to_json() const {
  return {{"regressor", kName},
          {"version", kVersion},
          {"power", power_},
          {"relative_spread", relative_spread_},
          {"latency", latency_->to_json()}};
}

PowerTimesLatency PowerTimesLatency::from_json(const nlohmann::json& json) {
  return read_model(kName, kVersion, json, [&] {
    PowerTimesLatency model;
    model.power_ = json.at("power");
    model.relative_spread_ = json.at("relative_spread");
    model.latency_ = regressor_from_json(json.at("latency"));
    return model;
  });
}

}  // namespace hwnas::estimators
