#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "estimators/device.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// Where a number comes from. Predicted is never shown as measured.
enum class Origin { kExact, kPredicted, kEmulated, kMeasured };
std::string_view to_string(Origin origin);

/// A cost of a network.
struct Estimate {
  double value = 0;
  double standard_deviation = 0;  ///< 0 for exact costs
  Origin origin = Origin::kPredicted;
  std::vector<double> per_layer;  ///< one a layer of the given network, summing up to value; empty
                                  ///< where the cost is not a sum (peak SRAM)
};

/// Where a cost is with a probability of 95 %, as its estimate has it; never below 0.
struct Interval {
  double low = 0;
  double high = 0;
};
Interval interval_95(const Estimate& estimate);

/// Predicts one cost of any network on one device and runtime. Pure, thread-safe; device and
/// runtime are fixed at construction. Costs are those of deployment: dead layers removed, batch
/// norm folded, layer precisions as given; but macs and parameters are those of the network as
/// given.
class CostModel {
 public:
  virtual ~CostModel() = default;
  /// "macs", "parameters", "flash_bytes", "peak_sram_bytes", "latency_ms", "energy_mj": the unit is
  /// the end.
  virtual std::string_view metric() const = 0;
  /// Throws what ir::infer_shapes throws.
  virtual Estimate predict(const ir::Network& network) const = 0;
};

struct CostModelInfo {
  std::string_view metric;
  std::string_view summary;
  std::unique_ptr<CostModel> (*make)(const DeviceProfile& device, const RuntimeProfile& runtime);
};

/// All cost models: macs, parameters, flash_bytes, peak_sram_bytes, latency_ms, energy_mj.
std::span<const CostModelInfo> cost_models();
/// Throws NotFound listing the metrics there are. Keeps what it needs of device and runtime.
std::unique_ptr<CostModel> make_cost_model(std::string_view metric, const DeviceProfile& device,
                                           const RuntimeProfile& runtime);

}  // namespace hwnas::estimators
