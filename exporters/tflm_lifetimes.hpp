#pragma once

#include <cstdint>
#include <vector>

#include "exporters/tflm_model.hpp"
#include "exporters/tflm_planner.hpp"

namespace hwnas::exporters::tflm {

/// A scratch buffer that an operator asked for.
struct ScratchRequest {
  int graph = 0;
  int node = 0;
  std::int64_t bytes = 0;
};

/// What is planned, in the order of AllocationInfoBuilder
/// (tensorflow/lite/micro/micro_allocation_info.cc): activations of all graphs by index, then
/// scratch buffers as requested. Constants, variables and empty tensors are not. Scopes are counted
/// by operator, and one more for each graph that IF, WHILE or CALL_ONCE enters; the tensors of a
/// graph that is entered twice live from the first time to the last. Throws InvalidArgument for
/// graphs that do not exist, call themselves, or are entered so often that it takes too long.
std::vector<PlannedBuffer> planned_buffers(const Model& model,
                                           const std::vector<ScratchRequest>& requests);

}  // namespace hwnas::exporters::tflm
