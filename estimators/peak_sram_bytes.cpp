#include "estimators/cost_models.hpp"
#include "estimators/deployment.hpp"
#include "estimators/peak_sram.hpp"

namespace hwnas::estimators {

namespace {

/// peak_sram of the deployed network, input included. The runtime's own RAM
/// (RuntimeProfile::runtime_ram_bytes) is not part of the metric. Where the planner's search gave
/// up, the estimate is the best order found, predicted to within its distance from the proven
/// bound.
class PeakSramBytes final : public CostModel {
 public:
  explicit PeakSramBytes(const SramOptions& options) : options_(options) {}

  std::string_view metric() const override { return "peak_sram_bytes"; }

  Estimate predict(const ir::Network& network) const override {
    const PeakSram peak = peak_sram(deploy(network).network, options_);
    return {.value = static_cast<double>(peak.bytes),
            .standard_deviation = static_cast<double>(peak.bytes - peak.lower_bound),
            .origin = peak.exact ? Origin::kExact : Origin::kPredicted,
            .per_layer = {}};
  }

 private:
  SramOptions options_;
};

}  // namespace

std::unique_ptr<CostModel> make_peak_sram_bytes(const DeviceProfile&,
                                                const RuntimeProfile& runtime) {
  return std::make_unique<PeakSramBytes>(
      SramOptions{.in_place_elementwise = runtime.in_place_elementwise});
}

}  // namespace hwnas::estimators
