#pragma once

#include <cstdint>
#include <vector>

#include "estimators/peak_sram.hpp"
#include "ir/network.hpp"

namespace hwnas::estimators {

/// One kernel as the memory planner sees it. Step i writes tensor i + 1; tensor 0 is the network's
/// input.
struct MemoryStep {
  int layer = 0;               ///< the layer whose kernel it is
  std::int64_t bytes = 0;      ///< of its output
  std::vector<int> reads;      ///< tensors, each once
  bool may_overwrite = false;  ///< its output may take the place of an input that dies here
};

/// A network reduced to the tensors that occupy memory: fused layers and views have none.
struct MemoryGraph {
  std::vector<MemoryStep> steps;          ///< in topological order
  std::vector<std::int64_t> bytes;        ///< of each tensor
  std::vector<std::vector<int>> readers;  ///< steps that read each tensor, ascending
  int output = 0;                         ///< the tensor that stays in memory to the end
};

/// Throws what ir::verify throws.
MemoryGraph memory_graph(const ir::Network& network, const SramOptions& options);

/// Bytes in memory while steps are executed one by one.
class MemoryWalk {
 public:
  explicit MemoryWalk(const MemoryGraph& graph);

  struct Cost {
    std::int64_t during = 0;  ///< inputs, output and all other live tensors
    std::int64_t after = 0;   ///< what is still needed afterwards
  };
  /// What executing `step` next would cost.
  Cost cost(int step) const;
  Cost execute(int step);
  /// Bytes needed by steps not executed yet, and by the network's output.
  std::int64_t live() const { return live_; }

 private:
  bool dies(int tensor) const { return pending_readers_[tensor] == 1; }

  const MemoryGraph* graph_;
  std::vector<int> pending_readers_;  ///< of each tensor; the output has one more, who never comes
  std::int64_t live_ = 0;
};

}  // namespace hwnas::estimators
