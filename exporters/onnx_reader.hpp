#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "data/dataset.hpp"
#include "exporters/onnx_constants.hpp"
#include "exporters/onnx_node.hpp"
#include "ir/quantized_network.hpp"
#include "ir/weights.hpp"

namespace hwnas::exporters {

/// A layer as an ONNX file has it, and what the file says about its quantization.
struct OnnxLayer {
  ir::Layer layer;
  ir::Shape shape;
  ir::LayerWeights weights;
  /// Of a quantized layer, in the order of `weights`; one scale or one an output channel.
  std::optional<IntegerArray> integer_weight;
  std::optional<OnnxConstants::Bias> integer_bias;
  /// Of what the layer writes, where a QuantizeLinear follows.
  std::optional<ir::Quantization> quantization;
  bool reads_float = false;  ///< an input that has passed no QuantizeLinear
  float clip = 6;            ///< where a ReLU6 really ends
};

/// A whole file in terms of layers, batch norms not folded. Layer indices are as in ir::Network.
struct OnnxGraph {
  std::string name;
  ir::Shape input;
  std::optional<ir::Quantization> input_quantization;
  data::Normalisation normalisation;  ///< of the input, or empty
  std::vector<OnnxLayer> layers;
  bool output_is_float = false;  ///< it has passed no QuantizeLinear
  std::map<std::string, std::string> metadata;
};

/// Reads one graph, node by node; one use each. What it says names the node, not the file. Maps are
/// NCHW; files with NHWC inputs, as converters from TensorFlow write them, are read through their
/// Transpose nodes and take NCHW.
class OnnxReader {
 public:
  explicit OnnxReader(const onnx::ModelProto& model);
  OnnxGraph read();

 private:
  /// How a value of a quantized graph stands to its QuantizeLinear.
  enum class Form { kFloat, kInteger, kRestored };
  /// What the name of a value stands for: the output of a layer or the network's input.
  struct Value {
    int layer = ir::kNetworkInput;
    int rank = 4;
    Form form = Form::kFloat;
    bool channels_last = false;
    int normalisations = 0;  ///< of the network's input: steps that it has passed
  };
  struct Operator {
    std::string_view type;
    int min_inputs;
    int max_inputs;
    Value (OnnxReader::*read)(OnnxNode&);
  };
  static const std::vector<Operator>& operators();

  // --- the graph (onnx_reader.cpp) -----------------------------------------------------------
  void read_input();
  bool is_channels_last(const std::string& input) const;
  void read_node(const onnx::NodeProto& proto);
  bool read_constant_node(OnnxNode& node);
  bool read_shape_node(OnnxNode& node);

  const Value& value(const std::string& name) const;
  const Value& value(const OnnxNode& node, int position = 0) const {
    return value(node.proto().input(position));
  }
  bool is_constant(const OnnxNode& node, int position) const {
    return constants_.contains(node.input(position));
  }
  const ir::Shape& shape(const Value& value) const;
  ir::Shape shape_of(const ir::Layer& layer) const;
  std::optional<ir::Quantization>& quantization(const Value& value);
  std::string layer_name(const OnnxNode& node);
  /// Appends a layer that reads the values.
  Value add(const OnnxNode& node, const ir::Operator& op, const std::vector<Value>& inputs);
  /// Appends one that reads the node's first input.
  Value add(const OnnxNode& node, const ir::Operator& op) { return add(node, op, {value(node)}); }
  OnnxLayer& layer(const Value& value) { return graph_.layers[value.layer]; }
  void require_channels_first(const OnnxNode& node, const Value& value) const;

  // --- operators (onnx_operators.cpp, onnx_elementwise.cpp) ----------------------------------
  ir::Window window(OnnxNode& node, const Value& in, const std::vector<int>& kernel,
                    const std::vector<int>& dilations);
  struct Weight {
    ir::Array real;
    std::optional<IntegerArray> integers;
  };
  Weight weight(const OnnxNode& node, int output_axis);
  void set_weights(const OnnxNode& node, Weight weight, OnnxLayer& layer);
  Value read_conv(OnnxNode& node);
  Value read_gemm(OnnxNode& node);
  Value read_matmul(OnnxNode& node);
  Value add_linear(const OnnxNode& node, int output_axis);
  Value read_pool(OnnxNode& node);
  Value read_global_average_pool(OnnxNode& node);
  Value read_reduce_mean(OnnxNode& node);
  Value read_flatten(OnnxNode& node);
  Value read_reshape(OnnxNode& node);
  Value read_rank_change(OnnxNode& node);
  std::vector<std::int64_t> axes(OnnxNode& node, int position, int rank);
  Value read_transpose(OnnxNode& node);
  Value read_concat(OnnxNode& node);
  Value read_softmax(OnnxNode& node);
  Value read_pad(OnnxNode& node);
  Value read_identity(OnnxNode& node);
  Value read_quantize(OnnxNode& node);
  Value read_dequantize(OnnxNode& node);

  Value read_batch_norm(OnnxNode& node);
  Value read_arithmetic(OnnxNode& node);
  Value read_activation(OnnxNode& node);
  Value read_clip(OnnxNode& node);
  Value read_hard_sigmoid(OnnxNode& node);
  bool normalise_input(const OnnxNode& node, const Value& in, const std::vector<float>& values);
  Value add_affine(const OnnxNode& node, const Value& in, std::vector<float> scale,
                   std::vector<float> shift);
  std::vector<float> per_channel(const OnnxNode& node, int position, const Value& in);
  float scalar(const OnnxNode& node, int position);

  const onnx::ModelProto& model_;
  std::int64_t opset_ = 0;
  OnnxConstants constants_;
  std::map<std::string, Value> values_;
  /// Values that are computed from shapes; -1 stands for the symbolic batch.
  std::map<std::string, std::vector<std::int64_t>> shapes_;
  std::set<std::string> names_;
  int normalisations_ = 0;
  OnnxGraph graph_;
};

}  // namespace hwnas::exporters
