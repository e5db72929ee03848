#pragma once

#include <tflite_generated.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace hwnas::exporters::tflm {

using Code = tflite::BuiltinOperator;

/// Numbers of the format's tensor types (tensorflow/lite/schema/schema.fbs).
enum class Type : std::int8_t {
  kFloat32 = 0,
  kInt32 = 2,
  kInt64 = 4,
  kInt16 = 7,
  kInt8 = 9,
  kInt4 = 17
};

/// A tensor as the memory planner sees it.
struct Tensor {
  Type type = Type::kFloat32;
  std::vector<int> dims;
  std::int64_t elements = 0;
  std::int64_t bytes = 0;    ///< while it runs: an int4 element takes one
  bool is_constant = false;  ///< stays in the file
  bool is_variable = false;
  int scales = 0;  ///< of its quantization; 0 if it has none or no zero points
};

struct Node {
  Code code = Code::ADD;
  std::vector<int> inputs;   ///< tensors of its graph; -1: an optional one that is not there
  std::vector<int> outputs;  ///< tensors of its graph
  const tflite::Operator* source = nullptr;  ///< for its options; lives as long as the file's bytes
};

struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Node> nodes;
  std::vector<int> inputs;
  std::vector<int> outputs;
};

struct Model {
  std::vector<Graph> graphs;  ///< the first is run; others are branches and loops
  /// Of the metadata `OfflineMemoryAllocation`: where the tensor of this index lies, in every
  /// graph; -1: planned. Empty without the metadata.
  std::vector<std::int32_t> offline_offsets;
};

/// Reads any .tflite of builtin operators, made for hostile files: every index, extent and length
/// is checked, and what is read bounded. Throws InvalidArgument (it names the graph and the tensor
/// or operator, not the file) for damaged files, custom operators, strings and data outside the
/// FlatBuffers.
Model read_model(std::string_view bytes);

}  // namespace hwnas::exporters::tflm
