#pragma once

#include <vector>

#include "ir/network.hpp"

namespace hwnas::estimators {

/// For every layer, the layer whose kernel writes its output. It is the layer itself, or an earlier
/// one if the layer has no kernel of its own:
/// - batch norm whose producer is a convolution, linear layer or batch norm read by nothing else;
/// - relu and relu6 whose producer ends in a rescaling or clamping step (convolution, linear, batch
///   norm, add, mul, concat, pool) and is read by nothing else; other activations need a table or
///   float pass of their own in all runtimes modelled here;
/// - flatten, a view of what it reads (ir::kNetworkInput if that is the network's input).
std::vector<int> kernel_layers(const ir::Network& network);

}  // namespace hwnas::estimators
