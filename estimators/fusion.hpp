#pragma once

#include <vector>

#include "estimators/fusion_rules.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// Whether an operator with one input is part of the kernel of what it reads, where nothing else
/// reads that:
/// - batch norm after a convolution, linear layer or batch norm;
/// - relu and relu6 after what ends in a rescaling or clamping step (convolution, linear, batch
///   norm, add, mul, concat, pool); other activations need a table or float pass of their own in
///   most runtimes, and fuse with convolutions where a rule says so.
bool fuses_into(const ir::Operator& op, const ir::Operator& producer, const FusionRules& rules);

/// For every layer, the layer whose kernel writes its output. It is the layer itself, or an earlier
/// one if the layer fuses into that by the default rules or is flatten, a view of what it reads
/// (ir::kNetworkInput if that is the network's input).
std::vector<int> kernel_layers(const ir::Network& network);

}  // namespace hwnas::estimators
