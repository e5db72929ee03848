#pragma once

#include <optional>
#include <span>

#include "estimators/fusion_rules.hpp"
#include "estimators/regressor.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// What bounds a kernel's time in the feature roofline_ms.
struct Roofline {
  double macs_per_second = 0;
  double bytes_per_second = 0;
};

/// The columns of any network, version 1: they never depend on the network.
/// - Four groups (kExecution), one for each hypothesis on what the runtime executes: "raw", every
///   operator; "bwd", only what reaches the output; "fwd", only what the input reaches; "eff",
///   both. ir::Zero branches yield a constant in all of them. For each KernelKind the kernels
///   (count), MACs in millions (mmacs), thousands of bytes read and written (kbytes) and of
///   elements written (koutputs); MACs in millions that filling output channels up to 8, 16 and 32
///   would add (padding_8, …); and roofline_ms, the sum over kernels of max(MACs / rate, bytes /
///   bandwidth), 0 without a Roofline.
/// - "graph" (kGraph), of what "eff" executes: kernels, additions (terms less one), the longest
/// path
///   in kernels, in convolutions and by MACs in millions, the most kernels at equal distance from
///   the input, and whether the output depends on the input.
const FeatureLayout& network_feature_layout();

/// Writes one row. `rules` say what fuses; kDeadOperators and kConstants are the hypotheses' own.
/// `row` has as many values as the layout has columns. Throws what ir::infer_shapes throws.
void network_features(const ir::Network& network, const FusionRules& rules,
                      const std::optional<Roofline>& roofline, std::span<double> row);

/// One row a network.
FeatureMatrix network_features(std::span<const ir::Network> networks, const FusionRules& rules = {},
                               const std::optional<Roofline>& roofline = std::nullopt);

}  // namespace hwnas::estimators
