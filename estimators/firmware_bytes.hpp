#pragma once

#include <optional>

#include "estimators/cost_model.hpp"

namespace hwnas::estimators {

/// Flash of the whole firmware: what flash_bytes counts, start-up code, C library and interpreter,
/// the kernels of each kind of operator once, and the container's data for each channel
/// (RuntimeProfile::code). Predicted: kinds without a size of their own count as the mean of those
/// with one, and as much again is their deviation. Nothing if the runtime's sizes are not known.
/// Throws what ir::infer_shapes throws.
std::optional<Estimate> firmware_bytes(const ir::Network& network, const RuntimeProfile& runtime);

}  // namespace hwnas::estimators
