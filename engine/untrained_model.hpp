#pragma once

#include <string>

#include "exporters/exporter.hpp"

namespace hwnas::engine {

/// A network that nobody has trained, in floats and in 8-bit integers, to be exported and measured:
/// what an inference costs does not depend on the values of the weights. Weights and calibration
/// derive from the seed. Throws what compression::lowered throws.
exporters::Model untrained_model(std::string name, const ir::Network& network, std::uint64_t seed);

}  // namespace hwnas::engine
