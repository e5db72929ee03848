#pragma once

#include <Eigen/Core>
#include <memory>
#include <nlohmann/json_fwd.hpp>

#include "estimators/regressor.hpp"

namespace hwnas::estimators {

/// Energy of an inference as the device's power times a predicted latency: networks on one device
/// differ in power by a few percent only, so that a handful of energies is enough.
class PowerTimesLatency final : public Regressor {
 public:
  static constexpr std::string_view kName = "power_times_latency";

  std::string_view name() const override { return kName; }
  std::vector<Prediction> predict(const FeatureMatrix& features) const override;
  nlohmann::json to_json() const override;
  /// Throws InvalidArgument for what to_json did not write.
  static PowerTimesLatency from_json(const nlohmann::json& json);

  double power() const { return power_; }

 private:
  friend std::unique_ptr<PowerTimesLatency> fit_power(std::unique_ptr<Regressor> latency,
                                                      const Eigen::VectorXd& latencies,
                                                      const Eigen::VectorXd& energies);
  std::unique_ptr<Regressor> latency_;
  double power_ = 0;            ///< energy over latency, in their units
  double relative_spread_ = 0;  ///< standard deviation of a network's power, over power_
};

/// Learns the power of a device from networks of which both latency and energy were measured, 3 or
/// more; `latency` predicts it for all others. Power is the median of the ratios. What networks
/// differ in it is the standard deviation of the ratios over it, widened by Student's t for so few.
/// Throws InvalidArgument if there are fewer, not equally many, or one is not positive.
std::unique_ptr<PowerTimesLatency> fit_power(std::unique_ptr<Regressor> latency,
                                             const Eigen::VectorXd& latencies,
                                             const Eigen::VectorXd& energies);

}  // namespace hwnas::estimators
