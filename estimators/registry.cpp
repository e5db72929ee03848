#include <algorithm>
#include <array>
#include <string>

#include "core/error.hpp"
#include "estimators/cost_models.hpp"

namespace hwnas::estimators {

namespace {

constexpr double kTwoSided95 = 1.96;  // standard deviations of a normal distribution

constexpr std::array<CostModelInfo, 6> kCostModels = {{
    {"macs", "multiply-accumulates of convolutions and linear layers", make_macs},
    {"parameters", "trainable parameters", make_parameters},
    {"flash_bytes", "weights, biases and scales at the layers' bits, without code",
     make_flash_bytes},
    {"peak_sram_bytes", "activations alive at once in the best order of layers, without runtime",
     make_peak_sram_bytes},
    {"latency_ms", "roofline of every kernel at the runtime's sourced rates", make_latency_ms},
    {"energy_mj", "active power times latency", make_energy_mj},
}};

}  // namespace

std::string_view to_string(Origin origin) {
  switch (origin) {
    case Origin::kExact:
      return "exact";
    case Origin::kPredicted:
      return "predicted";
    case Origin::kEmulated:
      return "emulated";
    case Origin::kMeasured:
      return "measured";
  }
  return "unknown";
}

Interval interval_95(const Estimate& estimate) {
  const double half = kTwoSided95 * estimate.standard_deviation;
  return {std::max(0.0, estimate.value - half), estimate.value + half};
}

std::span<const CostModelInfo> cost_models() {
  return kCostModels;
}

std::unique_ptr<CostModel> make_cost_model(std::string_view metric, const DeviceProfile& device,
                                           const RuntimeProfile& runtime) {
  std::vector<std::string> names;
  for (const CostModelInfo& info : kCostModels) {
    if (info.metric == metric) return info.make(device, runtime);
    names.emplace_back(info.metric);
  }
  throw error(ErrorCode::kNotFound, "no cost model for '{}'; there are: {}{}", metric,
              fmt::join(names, ", "), did_you_mean(metric, names));
}

}  // namespace hwnas::estimators
