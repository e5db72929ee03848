#pragma once

#include <vector>

#include "engine/inputs.hpp"

namespace hwnas::engine {

/// A few validation samples as artifacts expect them: bytes scaled to 0..1, not normalised.
std::vector<std::vector<float>> artifact_probes(const LoadedData& data);

}  // namespace hwnas::engine
