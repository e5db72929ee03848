#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/onnx.hpp"

namespace hwnas::exporters {

namespace {

constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{1} << 30;
constexpr int kMaxNodes = 1 << 16;
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 24;  // ir::infer_shapes' limit

using Ints = std::vector<int>;

/// The attributes of one node, taken one by one; what is left over at the end is refused.
class Node {
 public:
  explicit Node(const onnx::NodeProto& proto) : proto_(proto) {}

  const onnx::NodeProto& proto() const { return proto_; }

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw invalid_argument("node '{}' ({}): {}", proto_.name(), proto_.op_type(),
                           fmt::format(format, std::forward<Args>(args)...));
  }

  void require_inputs(int min, int max) const {
    if (proto_.input_size() < min || proto_.input_size() > max) {
      fail("has {} inputs", proto_.input_size());
    }
  }

  std::optional<Ints> ints(const char* name, int count) {
    const onnx::AttributeProto* const found = take(name, onnx::AttributeProto::INTS);
    if (found == nullptr) return std::nullopt;
    if (found->ints_size() != count) fail("{} has {} values", name, found->ints_size());
    Ints values;
    for (const std::int64_t value : found->ints()) values.push_back(extent(name, value));
    return values;
  }

  Ints ints_or(const char* name, const Ints& fallback) {
    return ints(name, static_cast<int>(fallback.size())).value_or(fallback);
  }

  int int_or(const char* name, int fallback) {
    const onnx::AttributeProto* const found = take(name, onnx::AttributeProto::INT);
    return found == nullptr ? fallback : extent(name, found->i());
  }

  void require_int(const char* name, int expected, int fallback) {
    const int value = int_or(name, fallback);
    if (value != expected) fail("{} is {}, only {} is read", name, value, expected);
  }

  void require_float(const char* name, float expected) {
    const onnx::AttributeProto* const found = take(name, onnx::AttributeProto::FLOAT);
    if (found == nullptr || found->f() != expected) fail("{} is not {}", name, expected);
  }

  void finish() const {
    if (taken_ != proto_.attribute_size()) fail("has attributes that are not read");
  }

 private:
  int extent(const char* name, std::int64_t value) const {
    if (value < 0 || value > kMaxExtent) fail("{} holds {}", name, value);
    return static_cast<int>(value);
  }

  const onnx::AttributeProto* take(const char* name, onnx::AttributeProto::AttributeType type) {
    const auto found = std::ranges::find(proto_.attribute(), name, &onnx::AttributeProto::name);
    if (found == proto_.attribute().end()) return nullptr;
    if (found->type() != type) fail("attribute {} is of another type", name);
    ++taken_;
    return &*found;
  }

  const onnx::NodeProto& proto_;
  int taken_ = 0;
};

std::int64_t count_elements(const onnx::TensorProto& tensor) {
  std::int64_t count = 1;
  for (const std::int64_t extent : tensor.dims()) {
    if (extent < 0 || extent > kMaxExtent || __builtin_mul_overflow(count, extent, &count)) {
      throw invalid_argument("tensor '{}': its dimensions are absurd", tensor.name());
    }
  }
  return count;
}

/// The values of an initializer, whose size is checked before anything is allocated.
template <typename T>
std::vector<T> values_of(const onnx::TensorProto& tensor) {
  constexpr auto kType =
      std::is_same_v<T, float> ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64;
  if (tensor.data_location() != onnx::TensorProto::DEFAULT || tensor.external_data_size() != 0) {
    throw invalid_argument("tensor '{}': external data are not read", tensor.name());
  }
  const std::string& raw = tensor.raw_data();
  const std::int64_t count = count_elements(tensor);
  if (tensor.data_type() != kType || raw.size() % sizeof(T) != 0 ||
      static_cast<std::int64_t>(raw.size() / sizeof(T)) != count) {
    throw invalid_argument("tensor '{}': expected {} raw values of type {}", tensor.name(), count,
                           onnx::TensorProto::DataType_Name(kType));
  }
  std::vector<T> values(static_cast<std::size_t>(count));
  if (count > 0) std::memcpy(values.data(), raw.data(), raw.size());
  return values;
}

/// Reads one graph, node by node; one use each. What it says names the node, not the file.
class Importer {
 public:
  explicit Importer(const onnx::ModelProto& model) : graph_(model.graph()) {
    if (model.opset_import_size() != 1 || !model.opset_import(0).domain().empty() ||
        model.opset_import(0).version() != kOnnxOpset) {
      throw invalid_argument("only opset {} is read", kOnnxOpset);
    }
    if (model.functions_size() != 0) throw invalid_argument("functions are not read");
  }

  ir::FoldedNetwork read() {
    if (graph_.node_size() > kMaxNodes) {
      throw invalid_argument("{} nodes, but at most {} are read", graph_.node_size(), kMaxNodes);
    }
    for (const onnx::TensorProto& tensor : graph_.initializer()) {
      initializers_[tensor.name()] = &tensor;
    }
    read_input();
    for (const onnx::NodeProto& proto : graph_.node()) read_node(proto);
    if (graph_.output_size() != 1 ||
        value(graph_.output(0).name()) + 1 != static_cast<int>(result_.network.layers.size())) {
      throw invalid_argument("the output is not the one of the last node");
    }
    ir::verify(result_.network);
    ir::verify(result_.network, result_.weights);
    return std::move(result_);
  }

 private:
  void read_input() {
    if (graph_.input_size() != 1) throw invalid_argument("{} inputs, not 1", graph_.input_size());
    const auto& tensor = graph_.input(0).type().tensor_type();
    if (tensor.elem_type() != onnx::TensorProto::FLOAT || tensor.shape().dim_size() != 4) {
      throw invalid_argument("the input is not a float tensor of rank 4");
    }
    const auto extent = [&](int axis) {
      const std::int64_t value = tensor.shape().dim(axis).dim_value();
      if (value < 1 || value > kMaxExtent) {
        throw invalid_argument("axis {} of the input is {}", axis, value);
      }
      return static_cast<int>(value);
    };
    result_.network.input = {extent(1), extent(2), extent(3)};
    values_[graph_.input(0).name()] = ir::kNetworkInput;
  }

  int value(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) throw invalid_argument("no earlier node gives '{}'", name);
    return found->second;
  }

  const onnx::TensorProto* initializer(const std::string& name) const {
    const auto found = initializers_.find(name);
    return found == initializers_.end() ? nullptr : found->second;
  }

  const onnx::TensorProto& constant(const Node& node, int position) const {
    const onnx::TensorProto* const found = initializer(node.proto().input(position));
    if (found == nullptr) node.fail("input {} is not a constant", position);
    return *found;
  }

  ir::Array array(const Node& node, int position, int rank) const {
    const onnx::TensorProto& tensor = constant(node, position);
    if (tensor.dims_size() != rank) {
      node.fail("constant '{}' has rank {}", tensor.name(), tensor.dims_size());
    }
    return {{tensor.dims().begin(), tensor.dims().end()}, values_of<float>(tensor)};
  }

  void require_scalar(const Node& node, int position, float expected) const {
    if (array(node, position, 0).values.front() != expected) {
      node.fail("constant input {} is not {}", position, expected);
    }
  }

  void read_node(const onnx::NodeProto& proto) {
    Node node(proto);
    if (!proto.domain().empty()) node.fail("domain '{}' is not read", proto.domain());
    if (proto.output_size() != 1) node.fail("has {} outputs", proto.output_size());
    const auto row = std::ranges::find(kOperators, proto.op_type(), &OperatorReader::type);
    if (row == std::end(kOperators)) node.fail("this operator is not read");
    node.require_inputs(row->min_inputs, row->max_inputs);
    const int index = (this->*row->read)(node);
    node.finish();
    if (!values_.emplace(proto.output(0), index).second) {
      node.fail("gives '{}', which an earlier node gave", proto.output(0));
    }
  }

  /// Appends a layer that reads the node's first `inputs` inputs; returns its index.
  int add(const Node& node, const ir::Operator& op, int inputs = 1) {
    const int index = static_cast<int>(result_.network.layers.size());
    ir::Layer layer{fmt::format("{}.{}", index, node.proto().name()), op, {}, {}};
    // Names go from layers to nodes with ':' added; whatever else stands there is not ours.
    std::ranges::replace_if(
        layer.name,
        [](unsigned char c) { return c >= 0x80 || (!std::isalnum(c) && c != '_' && c != '.'); },
        '_');
    for (int i = 0; i < inputs; ++i) layer.inputs.push_back(value(node.proto().input(i)));
    result_.network.layers.push_back(std::move(layer));
    return index;
  }

  int add(const Node& node, const ir::Operator& op, ir::LayerWeights weights) {
    const int index = add(node, op);
    result_.weights.layers[result_.network.layers[index].name] = std::move(weights);
    return index;
  }

  ir::Window window(Node& node) const {
    const Ints kernel = node.ints_or("kernel_shape", {1, 1});
    const Ints strides = node.ints_or("strides", {1, 1});
    const Ints pads = node.ints_or("pads", {0, 0, 0, 0});
    return {kernel[0], kernel[1], strides[0], strides[1], {pads[0], pads[1], pads[2], pads[3]}};
  }

  int read_conv(Node& node) {
    ir::LayerWeights weights;
    weights.weight = array(node, 1, 4);
    ir::Conv2d conv{.out_channels = static_cast<int>(weights.weight.shape[0]),
                    .window = window(node),
                    .groups = node.int_or("group", 1),
                    .bias = node.proto().input_size() == 3};
    const Ints dilations = node.ints_or("dilations", {1, 1});
    conv.dilation_height = dilations[0];
    conv.dilation_width = dilations[1];
    if (conv.bias) weights.bias = array(node, 2, 1);
    return add(node, conv, std::move(weights));
  }

  int read_gemm(Node& node) {
    node.require_int("transB", 1, 0);
    ir::LayerWeights weights;
    weights.weight = array(node, 1, 2);
    const ir::Linear linear{.out_features = static_cast<int>(weights.weight.shape[0]),
                            .bias = node.proto().input_size() == 3};
    if (linear.bias) weights.bias = array(node, 2, 1);
    return add(node, linear, std::move(weights));
  }

  /// x·scale + shift per channel.
  int add_affine(const Node& node, std::vector<float> scale, std::vector<float> shift) {
    const auto channels = static_cast<std::int64_t>(scale.size());
    const ir::Conv2d conv{.out_channels = static_cast<int>(channels),
                          .window = {},
                          .groups = static_cast<int>(channels),
                          .bias = true};
    return add(node, conv,
               ir::LayerWeights{.weight = {{channels, 1, 1, 1}, std::move(scale)},
                                .bias = {{channels}, std::move(shift)},
                                .running_mean = {},
                                .running_var = {}});
  }

  std::vector<float> per_channel(const Node& node) const {
    ir::Array constant = array(node, 1, 4);
    const auto channels = static_cast<std::int64_t>(constant.values.size());
    if (constant.shape != std::vector<std::int64_t>{1, channels, 1, 1}) {
      node.fail("its constant is not 1 x channels x 1 x 1");
    }
    return std::move(constant.values);
  }

  int read_sub(Node& node) {
    std::vector<float> shift = per_channel(node);
    for (float& value : shift) value = -value;
    std::vector<float> scale(shift.size(), 1.0F);
    return add_affine(node, std::move(scale), std::move(shift));
  }

  int read_div(Node& node) {
    std::vector<float> scale = per_channel(node);
    for (float& value : scale) value = 1.0F / value;
    std::vector<float> shift(scale.size());
    return add_affine(node, std::move(scale), std::move(shift));
  }

  template <ir::ActivationKind kKind>
  int read_activation(Node& node) {
    return add(node, ir::Activation{kKind});
  }

  int read_clip(Node& node) {
    require_scalar(node, 1, 0.0F);
    require_scalar(node, 2, 6.0F);
    return add(node, ir::Activation{ir::ActivationKind::kRelu6});
  }

  int read_hard_sigmoid(Node& node) {
    node.require_float("alpha", 1.0F / 6.0F);
    node.require_float("beta", 0.5F);
    return add(node, ir::Activation{ir::ActivationKind::kHardSigmoid});
  }

  int read_add(Node& node) { return add(node, ir::Add{}, 2); }

  int read_mul(Node& node) {
    if (initializer(node.proto().input(1)) == nullptr) return add(node, ir::Mul{}, 2);
    require_scalar(node, 1, 0.0F);
    return add(node, ir::Zero{});
  }

  int read_concat(Node& node) {
    node.require_int("axis", 1, -1);
    return add(node, ir::Concat{}, node.proto().input_size());
  }

  template <ir::PoolKind kKind>
  int read_pool(Node& node) {
    return add(node, ir::Pool{kKind, window(node)});
  }

  int read_global_average_pool(Node& node) { return add(node, ir::GlobalAveragePool{}); }

  int read_flatten(Node& node) {
    node.require_int("axis", 1, 1);
    return add(node, ir::Flatten{});
  }

  int read_softmax(Node& node) {
    node.require_int("axis", 1, -1);
    return add(node, ir::Softmax{});
  }

  int read_pad(Node& node) {
    const std::vector<std::int64_t> pads = values_of<std::int64_t>(constant(node, 1));
    if (pads.size() != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0) {
      node.fail("pads more than height and width");
    }
    for (const std::int64_t pad : pads) {
      if (pad < 0 || pad > kMaxExtent) node.fail("pads by {}", pad);
    }
    const auto side = [&](int i) { return static_cast<int>(pads[i]); };
    return add(node, ir::Pad{{side(2), side(3), side(6), side(7)}});
  }

  /// Adds the axes height and width of 1, which an ir::Shape always has.
  int read_unsqueeze(Node& node) {
    if (values_of<std::int64_t>(constant(node, 1)) != std::vector<std::int64_t>{2, 3}) {
      node.fail("only the axes 2 and 3 are added");
    }
    return value(node.proto().input(0));
  }

  struct OperatorReader {
    std::string_view type;
    int min_inputs;
    int max_inputs;
    int (Importer::*read)(Node&);
  };
  static const OperatorReader kOperators[19];

  const onnx::GraphProto& graph_;
  std::map<std::string, const onnx::TensorProto*> initializers_;
  std::map<std::string, int> values_;  ///< value name -> layer index or kNetworkInput
  ir::FoldedNetwork result_;
};

const Importer::OperatorReader Importer::kOperators[19] = {
    {"Add", 2, 2, &Importer::read_add},
    {"AveragePool", 1, 1, &Importer::read_pool<ir::PoolKind::kAverage>},
    {"Clip", 3, 3, &Importer::read_clip},
    {"Concat", 2, kMaxNodes, &Importer::read_concat},
    {"Conv", 2, 3, &Importer::read_conv},
    {"Div", 2, 2, &Importer::read_div},
    {"Flatten", 1, 1, &Importer::read_flatten},
    {"Gemm", 2, 3, &Importer::read_gemm},
    {"GlobalAveragePool", 1, 1, &Importer::read_global_average_pool},
    {"HardSigmoid", 1, 1, &Importer::read_hard_sigmoid},
    {"HardSwish", 1, 1, &Importer::read_activation<ir::ActivationKind::kHardSwish>},
    {"MaxPool", 1, 1, &Importer::read_pool<ir::PoolKind::kMax>},
    {"Mul", 2, 2, &Importer::read_mul},
    {"Pad", 2, 2, &Importer::read_pad},
    {"Relu", 1, 1, &Importer::read_activation<ir::ActivationKind::kRelu>},
    {"Sigmoid", 1, 1, &Importer::read_activation<ir::ActivationKind::kSigmoid>},
    {"Softmax", 1, 1, &Importer::read_softmax},
    {"Sub", 2, 2, &Importer::read_sub},
    {"Unsqueeze", 2, 2, &Importer::read_unsqueeze},
};

}  // namespace

ir::FoldedNetwork import_onnx(const std::filesystem::path& file) {
  const std::string bytes = read_file(file, kMaxFileBytes);
  onnx::ModelProto model;
  if (!model.ParseFromString(bytes)) {
    throw invalid_argument("{}: not an ONNX file", file.string());
  }
  try {
    return Importer(model).read();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace hwnas::exporters
