#pragma once

#include <memory>

#include "estimators/cost_model.hpp"

/// The factories behind the rows of registry.cpp; everyone else uses make_cost_model.
namespace hwnas::estimators {

std::unique_ptr<CostModel> make_macs(const DeviceProfile& device, const RuntimeProfile& runtime);
std::unique_ptr<CostModel> make_parameters(const DeviceProfile& device,
                                           const RuntimeProfile& runtime);
std::unique_ptr<CostModel> make_flash_bytes(const DeviceProfile& device,
                                            const RuntimeProfile& runtime);
std::unique_ptr<CostModel> make_peak_sram_bytes(const DeviceProfile& device,
                                                const RuntimeProfile& runtime);
std::unique_ptr<CostModel> make_latency_ms(const DeviceProfile& device,
                                           const RuntimeProfile& runtime);
std::unique_ptr<CostModel> make_energy_mj(const DeviceProfile& device,
                                          const RuntimeProfile& runtime);

}  // namespace hwnas::estimators
