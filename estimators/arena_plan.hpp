#pragma once

#include <cstdint>
#include <vector>

#include "estimators/peak_sram.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// Where each tensor of a network lies in one static buffer, and in which order its kernels run.
struct ArenaPlan {
  std::int64_t bytes = 0;       ///< size of the buffer
  std::int64_t peak_bytes = 0;  ///< peak_sram's: with this order, no buffer can be smaller
  std::vector<int> order;       ///< indices into network.layers, as PeakSram's
  std::int64_t input_offset = 0;
  /// Of each layer's output. Fused layers and views share that of the kernel they belong to, and a
  /// layer that runs in place that of the input it overwrites.
  std::vector<std::int64_t> offsets;

  bool is_tight() const { return bytes == peak_bytes; }
};

/// Packs the tensors of peak_sram's order. A tensor occupies its bytes from the kernel that writes
/// it to the last one that reads it, both included; the network's input from the beginning, if
/// `options` count it (else it is the caller's, and its offset means nothing); the output to the
/// end. Where `options` allow it, a layer may overwrite an input that dies there. Offsets are not
/// aligned.
///
/// The smallest buffer is an NP-hard question (dynamic storage allocation). Asked is only whether
/// there is one of peak_bytes: first-fit with the tensors that did not fit moved to the front, then
/// a search over placements in the order of their offsets (Moffitt, "MiniMalloc: A Lightweight
/// Memory Allocator for Hardware-Accelerated Machine Learning", ASPLOS 2023), up to 100,000
/// placements. Where both fail, the smallest buffer that first-fit found is given. Deterministic.
/// Throws what ir::verify throws.
ArenaPlan arena_plan(const ir::Network& network, const SramOptions& options = {});

}  // namespace hwnas::estimators
