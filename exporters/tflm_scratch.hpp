#pragma once

#include <cstdint>
#include <vector>

#include "exporters/tflm_arena.hpp"
#include "exporters/tflm_model.hpp"

namespace hwnas::exporters::tflm {

/// Bytes of the scratch buffers that a kernel asks for, in this order: those of
/// tensorflow/lite/micro/kernels (reference) or of its cmsis_nn folder with the buffer sizes of
/// CMSIS-NN at 99f736a (Source/*/arm_*_get_buffer_size*.c), compiled by GCC. Throws InvalidArgument
/// for tensors or options that the operator has not or whose shape does not fit it.
std::vector<std::int64_t> kernel_scratch(const Graph& graph, const Node& node, TflmBuild build);

}  // namespace hwnas::exporters::tflm
