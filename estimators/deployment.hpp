#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "estimators/device.hpp"
#include "estimators/execution.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// A network as it is deployed: dead layers removed, batch norm folded.
struct Deployment {
  ir::Network network;
  std::vector<int> origin;  ///< for each layer of `network`, the layer of the given one
};

/// Throws what ir::verify throws.
Deployment deploy(const ir::Network& network);

/// Kinds of kernels that run at rates of their own; kPointwise are 1x1 convolutions.
enum class KernelClass { kConv, kPointwise, kDepthwise, kLinear, kElementwise, kNone };
/// "conv", "pointwise", …: the keys of RuntimeProfile::macs_per_second.
std::string_view to_string(KernelClass kernel_class);

/// What a runtime executes for one layer, in sizes that do not depend on the device. Layers without
/// a kernel of their own (see execution) and constants have kNone and all zeros.
struct Kernel {
  KernelClass kind = KernelClass::kNone;
  std::int64_t macs = 0;
  std::int64_t outputs = 0;   ///< elements written
  std::int64_t elements = 0;  ///< elements that kElementwise reads: a pooling window counts fully
  std::int64_t bytes = 0;     ///< weights, inputs and output at the layers' precisions
};

/// One a layer of any network, deployed or not: what is dead, fused or folded is so by `rules`, and
/// a batch norm of its own is a depthwise convolution. Throws what ir::infer_shapes throws.
std::vector<Kernel> kernels(const ir::Network& network, const FusionRules& rules = {});
/// The same, given infer_shapes' and execution's results.
std::vector<Kernel> kernels(const ir::Network& network, const std::vector<ir::Shape>& shapes,
                            const Execution& execution);

/// Bytes of a layer's constants in flash. Weights take ⌈count · weight_bits / 8⌉; of quantised
/// layers (under 32 bits) each output channel has what `sizes` say, of float layers a float bias if
/// the layer has one. Of the other layers, only quantised hard-swish, sigmoid, hard-sigmoid and
/// softmax have any, as `sizes` say.
std::int64_t constant_bytes(const ir::Layer& layer, const ir::Shape& in,
                            const ConstantSizes& sizes = {});

}  // namespace hwnas::estimators
