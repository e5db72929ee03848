#pragma once

#include <filesystem>

#include "engine/store.hpp"
#include "ir/quantized_network.hpp"
#include "ir/weights.hpp"

namespace hwnas::engine {

ir::Network network_of(const FinalistRecord& finalist);

/// Writes finalists/trial_<id>.safetensors in the run's folder, and notes name and SHA-256 in the
/// record.
void save_weights(const std::filesystem::path& folder, const ir::Weights& weights,
                  FinalistRecord& finalist);

/// Throws FailedPrecondition if the file is not the one that was noted.
ir::Weights load_weights(const std::filesystem::path& folder, const FinalistRecord& finalist);

/// Writes finalists/trial_<id>.quantized.json, and notes name and SHA-256 in the record.
void save_integers(const std::filesystem::path& folder, const ir::QuantizedNetwork& network,
                   const FinalistRecord& finalist, CompressionRecord& record);
/// Throws FailedPrecondition if the file is not the one that was noted.
ir::QuantizedNetwork load_integers(const std::filesystem::path& folder,
                                   const CompressionRecord& record);

}  // namespace hwnas::engine
