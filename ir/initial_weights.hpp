#pragma once

#include <cstdint>

#include "ir/weights.hpp"

namespace hwnas::ir {

/// Fresh weights, a function of network and seed alone. Convolutions: normal with variance
/// 2/fan_out (He et al., "Delving Deep into Rectifiers", 2015, section 2.2, backward form); linear:
/// uniform in ±1/√fan_in; biases 0; batch norms the identity.
Weights initial_weights(const Network& network, std::uint64_t seed);

}  // namespace hwnas::ir
