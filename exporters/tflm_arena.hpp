#pragma once

#include <cstdint>
#include <filesystem>

namespace hwnas::exporters {

/// A build of TensorFlow Lite Micro. Sizes of its objects depend on the processor's pointers (GCC),
/// scratch buffers on the kernels.
enum class TflmBuild { kHostReference, kCortexMReference, kCortexM3CmsisNn, kCortexM4CmsisNn };

/// Bytes of the tensor arena.
struct TflmArena {
  std::int64_t head = 0;      ///< activations and scratch, as the greedy planner places them
  std::int64_t tail = 0;      ///< what stays: the interpreter's and the kernels' objects
  std::int64_t smallest = 0;  ///< the smallest multiple of 16 that AllocateTensors takes
};

/// What a .tflite of the operators that write_tflite writes takes in TensorFlow Lite Micro at
/// commit 90b983c, computed by the rules in docs/tflite.md. Exact for every file of such operators
/// in the tflm_arena data set (a test); concatenations, of which it has none, are estimated. Throws
/// what import_tflite throws for damaged files, and InvalidArgument for other operators.
TflmArena tflm_arena(const std::filesystem::path& file, TflmBuild build);

}  // namespace hwnas::exporters
