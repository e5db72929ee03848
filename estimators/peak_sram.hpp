#pragma once

#include <cstdint>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::estimators {

/// What of a network's memory is counted, and how long to search.
struct SramOptions {
  bool in_place_elementwise = true;  ///< activation, batch norm, add and mul may overwrite an input
                                     ///< that dies there and is at least as large as the output
  bool count_input = true;           ///< the network's input buffer occupies RAM until its last use
  int max_states = 200'000;  ///< sets of executed steps looked at before the search gives up
};

struct PeakSram {
  std::int64_t bytes = 0;        ///< the smallest possible peak over all topological orders
  std::vector<int> order;        ///< an order that reaches it (indices into network.layers)
  bool exact = true;             ///< false: the search budget ran out; bytes is the best found
  std::int64_t lower_bound = 0;  ///< proven; equals bytes when exact
};

/// Bytes of activations alive at once, minimised over operator orders. At every step the operator's
/// inputs, its output and all other live tensors are in memory; views (flatten) and fused layers
/// (see kernel_layers) take none, and neither do constants (ir::Zero). A tensor takes ⌈elements ·
/// activation_bits / 8⌉ bytes, with the precision of the last layer fused into its kernel; the
/// network's input has 8 bits, or more if a layer that reads it has. Alignment, fragmentation,
/// kernel scratch and the runtime's own RAM are not included. `network` is a deployed one: dead
/// layers removed and batch norm folded. Chains and residual chains are O(layers). Throws what
/// ir::verify throws.
PeakSram peak_sram(const ir::Network& network, const SramOptions& options = {});

/// The peak of one given order, by the same rules; the oracle of tests. Throws InvalidArgument if
/// the order is not topological.
std::int64_t sram_of_order(const ir::Network& network, const std::vector<int>& order,
                           const SramOptions& options = {});

}  // namespace hwnas::estimators
