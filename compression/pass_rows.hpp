#pragma once

#include <memory>

#include "compression/pass.hpp"

namespace hwnas::compression {

// One a row of passes(); each in the source of its name.
std::unique_ptr<CompressionPass> make_quantize(const Config& options);
std::unique_ptr<CompressionPass> make_mixed_precision(const Config& options);

}  // namespace hwnas::compression
