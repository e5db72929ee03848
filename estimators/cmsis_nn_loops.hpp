#pragma once

#include <span>
#include <string_view>

#include "estimators/deployment.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// "im2col.taps", "pointwise.blocks", …: the loops that kernel_feature_layout() tells of.
std::span<const std::string_view> cmsis_nn_loop_names();

/// Adds to `row`, of as many values as there are names, how often each loop's body runs for one
/// kernel. `in` is its first input.
void add_cmsis_nn_loops(const ir::Operator& op, const Kernel& kernel, const ir::Shape& in,
                        const ir::Shape& out, std::span<double> row);

}  // namespace hwnas::estimators
