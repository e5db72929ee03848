#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/dataset.hpp"
#include "ir/network.hpp"

namespace hwnas::exporters {

/// A tensor in a graph that is being written; the batch is symbolic. Flat shapes have rank 2 (after
/// linear layers) or 4 (after pooling).
struct OnnxValue {
  std::string name;
  ir::Shape shape;
  int rank = 4;
  int type = onnx::TensorProto::FLOAT;  ///< TensorProto::DataType, or a newer number
};

/// INT4 of onnx.proto from IR version 10 on, which older libraries cannot name.
inline constexpr int kOnnxInt4 = 22;

/// What the writers of ONNX files share: nodes, attributes and constants appended one by one, with
/// the shape of every value stated. A node gives one output: "<name>:0", or its own name if that
/// has a ':' already. Layer names have no ':', so the names do not clash.
class OnnxBuilder {
 public:
  explicit OnnxBuilder(const std::string& graph_name) { graph_.set_name(graph_name); }

  void add_input(const OnnxValue& value) { *graph_.add_input() = value_info(value); }

  /// Appends a node; `result` is its output but for the name.
  OnnxValue node(const char* type, const std::string& name, const std::vector<std::string>& inputs,
                 OnnxValue result);

  /// Appends a node of constants that gives the float tensor `name`, which has a ':'.
  void constant_node(const char* type, const std::string& name,
                     const std::vector<std::string>& inputs,
                     const std::vector<std::int64_t>& shape);

  /// Attributes of the last node.
  void set(const char* name, std::int64_t value);
  void set(const char* name, float value);
  void set(const char* name, const std::vector<std::int64_t>& values);
  void set(const ir::Window& window);

  /// Appends a constant of raw bytes, once for each name; returns the name.
  std::string constant(const std::string& name, int type, const std::vector<std::int64_t>& shape,
                       const void* data, std::size_t bytes);
  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       const std::vector<float>& values);
  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       const std::vector<std::int64_t>& values);

  /// The raw input "input" of the network, normalised by the first nodes.
  OnnxValue normalised_input(const ir::Shape& shape, const data::Normalisation& normalisation);

  /// Names the last node's output `name` and makes it the graph's only one.
  void finish(OnnxValue output, const std::string& name);

  void add_metadata(const std::string& key, const std::string& value);

  /// Writes the file: checked by the ONNX project's own checker and shape inference where the
  /// installed library knows the opset. Throws Internal if they refuse it, InvalidArgument if it is
  /// larger than an ONNX file may be. One use.
  void write(int opset, int ir_version, const std::filesystem::path& file);

 private:
  static onnx::ValueInfoProto value_info(const OnnxValue& value);
  onnx::AttributeProto& attribute(const char* name, onnx::AttributeProto::AttributeType type);

  void append(const char* type, const std::string& name, const std::vector<std::string>& inputs,
              onnx::ValueInfoProto output);

  onnx::ModelProto proto_;
  onnx::GraphProto graph_;
  onnx::ValueInfoProto pending_;  ///< the last node's output, which may become the graph's
};

}  // namespace hwnas::exporters
