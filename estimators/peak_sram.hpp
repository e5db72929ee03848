#pragma once

#include <cstdint>
#include <vector>

#include "ir/network.hpp"

namespace hwnas::estimators {

/// What of a network's memory is counted.
struct SramOptions {
  bool in_place_elementwise =
      true;                 ///< activation, add, mul may overwrite an input that dies there
  bool count_input = true;  ///< the network's input buffer occupies RAM until its last use
};

struct PeakSram {
  std::int64_t bytes = 0;        ///< the smallest possible peak over all topological orders
  std::vector<int> order;        ///< an order that reaches it (indices into network.layers)
  bool exact = true;             ///< false: the search budget ran out; bytes is the best found
  std::int64_t lower_bound = 0;  ///< proven; equals bytes when exact
};

/// Bytes of activations alive at once, minimised over operator orders. At every step the operator's
/// inputs, its output and all other live tensors are in memory; views (flatten) and folded layers
/// (batch norm, fused activations) take none. `network` is a deployed one: fold batch norm first
/// (ir::fold_batch_norm). Chains are O(layers).
PeakSram peak_sram(const ir::Network& network, const SramOptions& options = {});

/// The peak of one given order, by the same rules; the oracle of tests. Throws InvalidArgument if
/// the order is not topological.
std::int64_t sram_of_order(const ir::Network& network, const std::vector<int>& order,
                           const SramOptions& options = {});

}  // namespace hwnas::estimators
