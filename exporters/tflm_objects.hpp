#pragma once

#include <cstdint>
#include <vector>

#include "exporters/tflm_arena.hpp"
#include "exporters/tflm_model.hpp"

namespace hwnas::exporters::tflm {

inline bool is_cmsis(TflmBuild build) {
  return build != TflmBuild::kHostReference && build != TflmBuild::kCortexMReference;
}

/// Bytes of the runtime's objects, which differ between 64-bit hosts and Cortex-M.
struct TargetObjects {
  std::int64_t interpreter;  ///< allocators, planner, and what belongs to the first graph
  std::int64_t pointer;
  std::int64_t node;             ///< NodeAndRegistration
  std::int64_t eval_tensor;      ///< TfLiteEvalTensor
  std::int64_t tensor;           ///< TfLiteTensor
  std::int64_t quantization;     ///< TfLiteAffineQuantization
  std::int64_t scratch_request;  ///< ScratchBufferRequest
  std::int64_t allocation_info;  ///< AllocationInfo
};
const TargetObjects& target_objects(TflmBuild build);

struct Options {
  std::int64_t bytes = 0;
  std::int64_t alignment = 1;
};
/// What the operator's options are parsed into. Throws InvalidArgument for operators that are not
/// in the table.
Options parsed_options(Code code, TflmBuild build);

/// What a kernel keeps of its own, and then the arrays that it makes of its weights; each begins at
/// a multiple of 16. Throws InvalidArgument for operators that are not in the table, and for
/// tensors that the operator has not or whose shape does not fit it.
std::int64_t kernel_data(Code code, TflmBuild build);
std::vector<std::int64_t> kernel_arrays(const Graph& graph, const Node& node, TflmBuild build);

}  // namespace hwnas::exporters::tflm
