#pragma once

#include <cstdint>
#include <vector>

#include "estimators/memory_graph.hpp"

namespace hwnas::estimators {

/// An order of some steps, the most bytes it needs, and what no order can go below.
struct StepOrder {
  std::vector<int> steps;
  std::int64_t peak = 0;
  std::int64_t lower_bound = 0;
};

/// The order of steps [begin, end) with the smallest peak, when `start` has executed all steps
/// before them and nothing else. Peaks up to `bound` are all the same to the caller: the first
/// order within it is returned, with lower_bound = bound. peak > lower_bound only if `max_states`
/// sets of executed steps were not enough, or more than 256 tasks remain when steps that follow one
/// another without loss are joined (see order_problem). Deterministic.
StepOrder best_order(const MemoryGraph& graph, const MemoryWalk& start, int begin, int end,
                     std::int64_t bound, int max_states);

}  // namespace hwnas::estimators
