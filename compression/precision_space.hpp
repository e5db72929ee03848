#pragma once

#include <string>
#include <vector>

#include "compression/allocation.hpp"
#include "compression/quantizer.hpp"
#include "estimators/device.hpp"
#include "ir/quantization.hpp"

namespace hwnas::compression {

/// A precision that a layer may be given.
struct PrecisionOption {
  ir::WeightFormat format = ir::WeightFormat::kInt8;
  int activation_bits = 8;

  ir::Precision precision() const { return {ir::info(format).bits, activation_bits}; }
  bool operator==(const PrecisionOption&) const = default;
};
/// "int4/a8".
std::string to_string(const PrecisionOption& option);

/// Where layers must agree in precision.
enum class PrecisionTie {
  kNone,     ///< nowhere: precisions differ in weights alone
  kOutputs,  ///< where outputs meet in one tensor or in tensors of one precision: at additions,
             ///< products and concatenations, and across pooling, padding and the like
  kInputs,  ///< where layers read one tensor: kernels that take weights and input at one precision,
            ///< with sums in wide integers (HAWQ-V3: the branches of a residual block)
};

/// Convolutions and linear layers (indices into network.layers) that must share a precision: the
/// classes of a union-find over tensors. Groups in the order of their first layers.
std::vector<std::vector<int>> precision_groups(const ir::Network& network, PrecisionTie tie);

/// What there is to choose for a network.
struct PrecisionSpace {
  ir::Network network;                   ///< deployed: see estimators::deploy
  std::vector<PrecisionOption> options;  ///< the first is where everybody starts: the most precise
  std::vector<std::vector<int>> groups;  ///< layers with weights, by group
  std::vector<bool> pinned;              ///< by group: takes the first option
};

/// Groups are single layers if all options have the same activation bits, else those of
/// PrecisionTie::kOutputs. A group with a layer of `pinned_layers` is pinned. Throws
/// InvalidArgument if there are no options, batch norms are left, no layer has weights, or a name
/// is unknown.
PrecisionSpace precision_space(const ir::Network& network, std::vector<PrecisionOption> options,
                               const std::vector<std::string>& pinned_layers = {});

/// The network with the precisions of a choice (an option for each group). Layers without weights
/// have the activation bits of what they read.
ir::Network with_precisions(const PrecisionSpace& space, const std::vector<int>& choice);

/// A choice as the quantizer takes it. Throws InvalidArgument if activation bits differ in it.
BitWidths bit_widths(const PrecisionSpace& space, const std::vector<int>& choice);

/// One number for each group and option of a space: what the option adds to the loss, or any
/// measure of it that adds up.
using SensitivityTable = std::vector<std::vector<double>>;

/// The allocation problem of a space on a device: groups as in the space, then one called "other
/// layers" for what does not depend on the choice; costs of every limit's metric from
/// estimators::CostModel, predicted once an option; options for which the runtime has no kernel
/// not allowed; and where activation bits differ, edges with the cost of casts, which are priced as
/// elementwise kernels. Exact for metrics that are sums over layers: the network with a choice's
/// precisions costs what the problem says, casts aside. peak_sram_bytes is a constant while all
/// options have the same activation bits. Throws NotFound for an unknown metric, InvalidArgument
/// for peak_sram_bytes otherwise and if a table has the wrong size.
AllocationProblem allocation_problem(const PrecisionSpace& space,
                                     const SensitivityTable& sensitivities,
                                     const estimators::DeviceProfile& device,
                                     const estimators::RuntimeProfile& runtime,
                                     const std::vector<AllocationLimit>& limits);

}  // namespace hwnas::compression
