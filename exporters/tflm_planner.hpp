#pragma once

#include <cstdint>
#include <vector>

namespace hwnas::exporters::tflm {

/// A buffer of the head, needed in the scopes [first, last].
struct PlannedBuffer {
  std::int64_t bytes = 0;  ///< a multiple of 16
  int first = 0;
  int last = 0;
  std::int64_t offline_offset = -1;  ///< where the file places it; -1: to be planned
};

/// The end of the highest buffer as GreedyMemoryPlanner
/// (tensorflow/lite/micro/memory_planner/greedy_memory_planner.cc) places them: those with an
/// offset as they are, then the others by falling size, equal ones from the last to the first, each
/// into the first gap between those that live at the same time. Quadratic in their number.
std::int64_t greedy_end(const std::vector<PlannedBuffer>& buffers);

}  // namespace hwnas::exporters::tflm
