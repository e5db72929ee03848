#pragma once

#include <cstdint>
#include <vector>

#include "estimators/memory_graph.hpp"

namespace hwnas::estimators {

/// A tensor that steps of one part of a graph read.
struct OrderTensor {
  std::int64_t bytes = 0;
  std::vector<int> readers;  ///< tasks
  bool outlives = false;     ///< read by later parts too, or the network's output
};

/// Steps that can be executed one directly after the other without loss.
struct OrderTask {
  std::vector<int> steps;         ///< of the memory graph
  std::int64_t during_bytes = 0;  ///< on top of what is live before; 0 if it overwrites an input
  std::int64_t out_bytes = 0;     ///< what it leaves
  bool may_overwrite = false;     ///< an input that dies and has at least during_bytes
  std::vector<int> reads;         ///< tensors
  std::vector<int> predecessors;  ///< tasks
  std::vector<int> successors;    ///< tasks
};

/// What remains to be ordered of steps [begin, end) of a graph.
struct OrderProblem {
  std::vector<OrderTask> tasks;
  std::vector<OrderTensor> tensors;
  std::int64_t live_before = 0;
  std::int64_t live_after = 0;
};

/// A step that alone reads what the one before it wrote, that reads nothing else, leaves no more
/// and needs no more while it runs than the one before did, joins it: any order can move it there,
/// which lowers what is live in between and adds nothing to the peak.
OrderProblem order_problem(const MemoryGraph& graph, const MemoryWalk& start, int begin, int end);

}  // namespace hwnas::estimators
