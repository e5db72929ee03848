#pragma once

#include "exporters/c.hpp"

namespace hwnas::exporters {

/// c_source of a model that was checked: quantized, verified, all tensors of 8 bits, a tfl mode.
CSource written_c(const Model& model, ir::Requantization mode);

}  // namespace hwnas::exporters
