#include <cmath>

#include "estimators/cost_models.hpp"

namespace hwnas::estimators {

namespace {

/// Active power times predicted latency. One power per device explains the measured energies of
/// MLPerf Tiny's Cortex-M boards to a few percent over its tasks; idle power is not subtracted.
class EnergyMj final : public CostModel {
 public:
  EnergyMj(const DeviceProfile& device, const RuntimeProfile& runtime)
      : latency_(make_latency_ms(device, runtime)),
        watts_(device.active_power_mw.value / 1e3),
        power_relative_sd_(device.power_relative_sd.value) {}

  std::string_view metric() const override { return "energy_mj"; }

  Estimate predict(const ir::Network& network) const override {
    Estimate estimate = latency_->predict(network);
    estimate.value *= watts_;
    for (double& millijoules : estimate.per_layer) millijoules *= watts_;
    estimate.standard_deviation =
        std::hypot(estimate.standard_deviation * watts_, power_relative_sd_ * estimate.value);
    return estimate;
  }

 private:
  std::unique_ptr<CostModel> latency_;
  double watts_;
  double power_relative_sd_;
};

}  // namespace

std::unique_ptr<CostModel> make_energy_mj(const DeviceProfile& device,
                                          const RuntimeProfile& runtime) {
  return std::make_unique<EnergyMj>(device, runtime);
}

}  // namespace hwnas::estimators
