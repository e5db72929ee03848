#include "exporters/onnx_reader.hpp"

#include <algorithm>
#include <cctype>

#include "core/error.hpp"
#include "exporters/onnx_builder.hpp"

namespace hwnas::exporters {

namespace {

constexpr int kMaxNodes = 1 << 14;
constexpr int kMaxOpset = 23;
constexpr std::int64_t kBatch = -1;  // of shapes that are computed in the graph
constexpr std::size_t kMaxRank = 8;

bool is_movement(const ir::Operator& op) {
  const auto* const pool = std::get_if<ir::Pool>(&op);
  return std::holds_alternative<ir::Flatten>(op) || std::holds_alternative<ir::Concat>(op) ||
         (pool != nullptr && pool->kind == ir::PoolKind::kMax);
}

}  // namespace

OnnxReader::OnnxReader(const onnx::ModelProto& model) : model_(model) {
  for (const auto& import : model.opset_import()) {
    if (import.domain().empty() || import.domain() == "ai.onnx") opset_ = import.version();
  }
  if (opset_ < 7 || opset_ > kMaxOpset) {
    throw invalid_argument("opset {}, but 7 to {} are read", opset_, kMaxOpset);
  }
  if (model.functions_size() != 0) throw invalid_argument("functions are not read");
  if (model.graph().sparse_initializer_size() != 0) {
    throw invalid_argument("sparse initializers are not read");
  }
  if (model.graph().node_size() > kMaxNodes) {
    throw invalid_argument("{} nodes, but at most {} are read", model.graph().node_size(),
                           kMaxNodes);
  }
}

OnnxGraph OnnxReader::read() {
  const onnx::GraphProto& graph = model_.graph();
  graph_.name = graph.name();
  for (const auto& entry : model_.metadata_props()) graph_.metadata[entry.key()] = entry.value();
  for (const onnx::TensorProto& tensor : graph.initializer()) constants_.add(tensor.name(), tensor);
  read_input();
  for (const onnx::NodeProto& proto : graph.node()) read_node(proto);
  if (graph.output_size() != 1) {
    throw invalid_argument("{} outputs, but networks of one are read", graph.output_size());
  }
  const Value& output = value(graph.output(0).name());
  if (output.layer + 1 != std::ssize(graph_.layers) || graph_.layers.empty()) {
    throw invalid_argument("the output '{}' is not the one of the last layer",
                           graph.output(0).name());
  }
  if (output.channels_last) throw invalid_argument("the output is NHWC, but must be NCHW");
  graph_.output_is_float = output.form == Form::kFloat;
  return std::move(graph_);
}

void OnnxReader::read_input() {
  // Files of IR version 3 list their initializers as inputs, too.
  const onnx::ValueInfoProto* input = nullptr;
  for (const auto& candidate : model_.graph().input()) {
    if (constants_.contains(candidate.name())) continue;
    if (input != nullptr) throw invalid_argument("more than one input");
    input = &candidate;
  }
  if (input == nullptr) throw invalid_argument("no input");
  const auto& tensor = input->type().tensor_type();
  const int rank = tensor.shape().dim_size();
  if (tensor.elem_type() != onnx::TensorProto::FLOAT || rank < 2 || rank > 4) {
    throw invalid_argument("the input '{}' is not a float tensor of rank 2 to 4", input->name());
  }
  std::vector<int> extents;
  for (int axis = 1; axis < rank; ++axis) {
    const std::int64_t extent = tensor.shape().dim(axis).dim_value();
    if (extent < 1 || extent > kMaxOnnxExtent) {
      throw invalid_argument("axis {} of the input is {}; export with fixed extents but the batch",
                             axis, extent);
    }
    extents.push_back(static_cast<int>(extent));
  }
  Value value{.layer = ir::kNetworkInput, .rank = rank};
  value.channels_last = rank == 4 && is_channels_last(input->name());
  if (value.channels_last) std::ranges::rotate(extents, extents.begin() + 2);
  if (rank == 3) extents.insert(extents.begin() + 1, 1);
  extents.resize(3, 1);
  graph_.input = {extents[0], extents[1], extents[2]};
  values_[input->name()] = value;
}

/// Whether the input reaches a Transpose to NCHW by elementwise nodes alone.
bool OnnxReader::is_channels_last(const std::string& input) const {
  std::set<std::string> reached = {input};
  for (const onnx::NodeProto& node : model_.graph().node()) {
    if (node.input_size() == 0 || node.output_size() == 0) continue;
    if (std::ranges::none_of(node.input(), [&](const auto& x) { return reached.contains(x); })) {
      continue;
    }
    if (node.op_type() == "Transpose") {
      const std::vector<std::int64_t> to_nchw = {0, 3, 1, 2};
      return node.attribute_size() == 1 && std::ranges::equal(node.attribute(0).ints(), to_nchw);
    }
    constexpr std::string_view kElementwise[] = {"Add",
                                                 "Sub",
                                                 "Mul",
                                                 "Div",
                                                 "Cast",
                                                 "BatchNormalization",
                                                 "Identity",
                                                 "QuantizeLinear",
                                                 "DequantizeLinear"};
    if (std::ranges::find(kElementwise, node.op_type()) == std::end(kElementwise)) return false;
    reached.insert(node.output(0));
  }
  return false;
}

void OnnxReader::read_node(const onnx::NodeProto& proto) {
  OnnxNode node(proto);
  if (!proto.domain().empty() && proto.domain() != "ai.onnx") {
    node.fail("domain '{}' is not read", proto.domain());
  }
  if (proto.output_size() == 0) node.fail("has no output");
  const std::string& output = proto.output(0);
  if (values_.contains(output) || constants_.contains(output) || shapes_.contains(output)) {
    node.fail("gives '{}', which stands for something earlier", output);
  }
  if (!read_constant_node(node) && !read_shape_node(node)) {
    const auto row = std::ranges::find(operators(), proto.op_type(), &Operator::type);
    if (row == operators().end()) node.fail("this operator is not read");
    node.require_inputs(row->min_inputs, row->max_inputs);
    const Value result = (this->*row->read)(node);
    values_[output] = result;
  }
  node.finish();
}

/// Constants that are nodes: Constant, and Identity and DequantizeLinear of a constant.
bool OnnxReader::read_constant_node(OnnxNode& node) {
  const std::string& type = node.proto().op_type();
  const std::string& output = node.proto().output(0);
  if (type == "Constant") {
    const onnx::TensorProto* const tensor = node.tensor("value");
    if (tensor == nullptr) node.fail("only constants given as a tensor are read");
    constants_.add(output, *tensor);
    return true;
  }
  if (!is_constant(node, 0)) return false;
  if (type == "Identity") {
    constants_.alias(output, node.input(0));
    return true;
  }
  if (type != "DequantizeLinear") return false;
  node.require_inputs(2, 3);
  node.require("block_size", std::int64_t{0}, 0);
  constants_.add_dequantized(output, node.input(0), node.input(1), node.input(2),
                             node.integer("axis", 1));
  return true;
}

/// Arithmetic on shapes, which PyTorch exports for `x.view(x.size(0), -1)`.
bool OnnxReader::read_shape_node(OnnxNode& node) {
  const std::string& type = node.proto().op_type();
  const std::string& output = node.proto().output(0);
  if (type == "Shape") {
    node.require_inputs(1, 1);
    const Value& in = value(node);
    require_channels_first(node, in);
    const ir::Shape& extents = shape(in);
    std::vector<std::int64_t> axes = {kBatch, extents.channels, extents.height, extents.width};
    if (in.rank == 3) axes.erase(axes.begin() + 2);
    axes.resize(static_cast<std::size_t>(in.rank));
    shapes_[output] = axes;
    return true;
  }
  const auto is_shape = [&](const std::string& name) { return shapes_.contains(name); };
  if (std::ranges::none_of(node.proto().input(), is_shape)) return false;
  std::vector<std::int64_t> result;
  if (type == "Gather") {
    node.require_inputs(2, 2);
    node.require("axis", std::int64_t{0}, 0);
    const auto& from = shapes_[node.input(0)];
    for (const std::int64_t index : constants_.integers(node.input(1))) {
      if (index < 0 || index >= std::ssize(from)) node.fail("index {} of a shape", index);
      result.push_back(from[static_cast<std::size_t>(index)]);
    }
  } else if (type == "Concat") {
    node.require("axis", std::int64_t{0}, 0);
    for (const std::string& name : node.proto().input()) {
      std::ranges::copy(is_shape(name) ? shapes_[name] : constants_.integers(name),
                        std::back_inserter(result));
    }
  } else if (type == "Unsqueeze" || type == "Cast" || type == "Identity") {
    node.ignore("axes");
    node.ignore("to");
    result = shapes_[node.input(0)];
  } else {
    return false;
  }
  if (result.size() > kMaxRank) node.fail("gives a shape of {} axes", result.size());
  shapes_[output] = std::move(result);
  return true;
}

const OnnxReader::Value& OnnxReader::value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw invalid_argument("no earlier node gives '{}'", name);
  const Value& value = found->second;
  if (value.layer == ir::kNetworkInput && value.normalisations != normalisations_) {
    throw invalid_argument("'{}' is read both before and after its normalisation", name);
  }
  return value;
}

const ir::Shape& OnnxReader::shape(const Value& value) const {
  return value.layer == ir::kNetworkInput ? graph_.input : graph_.layers[value.layer].shape;
}

std::optional<ir::Quantization>& OnnxReader::quantization(const Value& value) {
  return value.layer == ir::kNetworkInput ? graph_.input_quantization
                                          : graph_.layers[value.layer].quantization;
}

/// By the shape rules of ir::infer_shapes, on a network of this layer alone.
ir::Shape OnnxReader::shape_of(const ir::Layer& layer) const {
  std::vector<ir::Shape> inputs;
  for (const int input : layer.inputs) {
    inputs.push_back(input == ir::kNetworkInput ? graph_.input : graph_.layers[input].shape);
  }
  ir::Layer alone = layer;
  alone.inputs = {ir::kNetworkInput};
  if (std::holds_alternative<ir::Concat>(layer.op)) {
    ir::Shape joined = inputs.front();
    std::int64_t channels = 0;
    for (const ir::Shape& part : inputs) channels += part.channels;
    if (channels > kMaxOnnxExtent) throw invalid_argument("layer '{}': too wide", layer.name);
    joined.channels = static_cast<int>(channels);
    return joined;
  }
  // Their result has the shape of the first input; import_onnx verifies the others.
  if (layer.inputs.size() > 1) return inputs.front();
  return ir::infer_shapes({.input = inputs.front(), .layers = {alone}}).front();
}

/// The node's name in the characters of layer names; its output's if it has none.
std::string OnnxReader::layer_name(const OnnxNode& node) {
  std::string name = node.proto().name().empty() ? node.proto().output(0) : node.proto().name();
  std::ranges::replace_if(
      name, [](unsigned char c) { return c >= 0x80 || (!std::isalnum(c) && c != '_' && c != '.'); },
      '_');
  while (name.starts_with('_') && name.size() > 1) name.erase(0, 1);
  if (name.empty()) name = "layer";
  std::string unique = name;
  for (std::size_t i = graph_.layers.size(); !names_.insert(unique).second; ++i) {
    unique = fmt::format("{}_{}", name, i);
  }
  return unique;
}

OnnxReader::Value OnnxReader::add(const OnnxNode& node, const ir::Operator& op,
                                  const std::vector<Value>& inputs) {
  OnnxLayer result;
  result.layer = {.name = layer_name(node), .op = op, .inputs = {}, .precision = {}};
  Value output = inputs.front();
  output.layer = static_cast<int>(graph_.layers.size());
  output.form = Form::kFloat;
  for (const Value& input : inputs) {
    result.layer.inputs.push_back(input.layer);
    if (input.channels_last != output.channels_last) node.fail("joins NCHW and NHWC");
    if (input.form == Form::kInteger) {
      if (!is_movement(op)) node.fail("computes with quantized values; export in QDQ form");
      result.quantization = quantization(input);
      output.form = Form::kInteger;
    }
    if (input.form == Form::kFloat) result.reads_float = true;
  }
  result.shape = shape_of(result.layer);
  graph_.layers.push_back(std::move(result));
  return output;
}

void OnnxReader::require_channels_first(const OnnxNode& node, const Value& value) const {
  const ir::Shape& extents = shape(value);
  if (value.channels_last && (extents.height != 1 || extents.width != 1)) {
    node.fail("reads NHWC, but only NCHW is read here");
  }
}

}  // namespace hwnas::exporters
