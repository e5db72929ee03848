#pragma once

#include <cstdint>
#include <filesystem>

namespace hwnas::exporters {

/// A build of TensorFlow Lite Micro. Sizes of its objects depend on the processor's pointers (GCC),
/// scratch buffers on the kernels: without DSP instructions (M3), with them (M4), with MVE (M55).
enum class TflmBuild {
  kHostReference,
  kCortexMReference,
  kCortexM3CmsisNn,
  kCortexM4CmsisNn,
  kCortexM55CmsisNn
};

/// Bytes of the tensor arena.
struct TflmArena {
  std::int64_t head = 0;      ///< activations and scratch, as the greedy planner places them
  std::int64_t tail = 0;      ///< what stays: the interpreter's and the kernels' objects
  std::int64_t smallest = 0;  ///< the smallest multiple of 16 that AllocateTensors takes
};

/// What a .tflite takes in TensorFlow Lite Micro at commit 90b983c (CMSIS-NN at 99f736a), computed
/// by the rules in docs/tflite.md: several graphs, IF, WHILE and CALL_ONCE, variable tensors and
/// offline planned offsets included. Exact for every file of the tflm_arena data set (a test).
/// Throws InvalidArgument for damaged files, operators that tflm_objects.cpp has no row for, more
/// than 8,192 buffers, and what TensorFlow Lite Micro refuses (graphs that call themselves).
TflmArena tflm_arena(const std::filesystem::path& file, TflmBuild build);

}  // namespace hwnas::exporters
