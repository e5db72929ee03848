#include "exporters/onnx.hpp"

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>
#include <onnx/shape_inference/implementation.h>

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/deployed.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::exporters {

namespace {

using Ints = std::vector<std::int64_t>;

/// A value of the graph. Flat shapes may have rank 2 (after linear layers) or 4 (after pooling).
struct Value {
  std::string name;
  ir::Shape shape;
  int rank = 4;
};

/// Writes one network, layer by layer; one use each.
class GraphWriter {
 public:
  GraphWriter(const Model& model, const ir::FoldedNetwork& deployed) : deployed_(deployed) {
    proto_.set_ir_version(kOnnxIrVersion);
    proto_.set_producer_name("hwnas");
    proto_.add_opset_import()->set_version(kOnnxOpset);
    graph_.set_name(model.name);
    const Value input{"input", deployed.network.input};
    *graph_.add_input() = value_info(input);
    input_ = normalise(input, model.normalisation);
  }

  onnx::ModelProto write() {
    const ir::Network& network = deployed_.network;
    const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      layer_ = &network.layers[i];
      shape_ = shapes[i];
      values_.push_back(std::visit([this](const auto& op) { return write(op); }, layer_->op));
    }
    name_output(is_flat(values_.back().shape) ? flat(values_.back()) : values_.back());
    *proto_.mutable_graph() = std::move(graph_);
    return std::move(proto_);
  }

 private:
  static bool is_flat(const ir::Shape& shape) { return shape.height == 1 && shape.width == 1; }

  static onnx::ValueInfoProto value_info(const Value& value) {
    onnx::ValueInfoProto info;
    info.set_name(value.name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(onnx::TensorProto::FLOAT);
    auto& shape = *tensor.mutable_shape();
    shape.add_dim()->set_dim_param("batch");
    shape.add_dim()->set_dim_value(value.shape.channels);
    if (value.rank == 4) {
      shape.add_dim()->set_dim_value(value.shape.height);
      shape.add_dim()->set_dim_value(value.shape.width);
    }
    return info;
  }

  // --- pieces --------------------------------------------------------------------------------

  /// Appends a node and returns its output; value_info of all outputs but the last node's stands in
  /// the graph.
  Value node(const char* type, const std::string& name, const std::vector<std::string>& inputs,
             const ir::Shape& shape, int rank = 4) {
    if (!pending_.name.empty()) *graph_.add_value_info() = value_info(pending_);
    onnx::NodeProto& node = *graph_.add_node();
    node.set_op_type(type);
    node.set_name(name);
    for (const std::string& input : inputs) node.add_input(input);
    pending_ = {name + (name.find(':') == std::string::npos ? ":0" : ""), shape, rank};
    node.add_output(pending_.name);
    return pending_;
  }

  onnx::AttributeProto& attribute(const char* name) {
    onnx::AttributeProto& attribute = *graph_.mutable_node()->rbegin()->add_attribute();
    attribute.set_name(name);
    return attribute;
  }
  void set(const char* name, std::int64_t value) {
    onnx::AttributeProto& it = attribute(name);
    it.set_type(onnx::AttributeProto::INT);
    it.set_i(value);
  }
  void set(const char* name, float value) {
    onnx::AttributeProto& it = attribute(name);
    it.set_type(onnx::AttributeProto::FLOAT);
    it.set_f(value);
  }
  void set(const char* name, const Ints& values) {
    onnx::AttributeProto& it = attribute(name);
    it.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) it.add_ints(value);
  }
  void set(const ir::Window& window) {
    const auto& [top, left, bottom, right] = window.padding;
    set("kernel_shape", Ints{window.kernel_height, window.kernel_width});
    set("pads", Ints{top, left, bottom, right});
    set("strides", Ints{window.stride_height, window.stride_width});
  }

  template <typename T>
  std::string constant(const std::string& name, const Ints& shape, const std::vector<T>& values) {
    constexpr bool kIsFloat = std::is_same_v<T, float>;
    static_assert(kIsFloat || std::is_same_v<T, std::int64_t>);
    for (const auto& written : graph_.initializer()) {
      if (written.name() == name) return name;
    }
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(kIsFloat ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64);
    for (const std::int64_t extent : shape) tensor.add_dims(extent);
    tensor.set_raw_data(values.data(), values.size() * sizeof(T));
    return name;
  }
  std::string constant(const char* suffix, const ir::Array& array) {
    return constant(layer_->name + suffix, array.shape, array.values);
  }
  std::string scalar(const char* name, float value) {
    return constant(name, Ints{}, std::vector<float>{value});
  }

  /// Input `position` of the current layer.
  const Value& in(std::size_t position = 0) const {
    const int index = layer_->inputs[position];
    return index == ir::kNetworkInput ? input_ : values_[index];
  }
  /// The value with all four axes.
  Value map(const Value& value) {
    if (value.rank == 4) return value;
    const std::string axes = constant("map:axes", {2}, Ints{2, 3});
    return converted("map", value, [&](const std::string& name) {
      return node("Unsqueeze", name, {value.name, axes}, value.shape);
    });
  }
  /// The value with the axes batch and channels.
  Value flat(const Value& value) {
    if (value.rank == 2) return value;
    return converted("flat", value, [&](const std::string& name) {
      const Value result = node("Flatten", name, {value.name}, value.shape, /*rank=*/2);
      set("axis", std::int64_t{1});
      return result;
    });
  }
  /// One conversion serves all readers of a value.
  template <typename Write>
  Value converted(const char* to, const Value& value, Write write) {
    const std::string name = fmt::format("{}:{}", value.name.substr(0, value.name.find(':')), to);
    const auto found = converted_.find(name);
    return found != converted_.end() ? found->second
                                     : converted_.emplace(name, write(name)).first->second;
  }
  /// All inputs of the current layer with one rank: 2 where all have it.
  std::vector<Value> aligned_inputs() {
    std::vector<Value> inputs;
    for (std::size_t i = 0; i < layer_->inputs.size(); ++i) inputs.push_back(in(i));
    if (!std::ranges::all_of(inputs, [](const Value& value) { return value.rank == 2; })) {
      for (Value& value : inputs) value = map(value);
    }
    return inputs;
  }

  Value normalise(const Value& raw, const data::Normalisation& normalisation) {
    if (normalisation.mean.empty()) return raw;
    const Ints per_channel = {1, raw.shape.channels, 1, 1};
    const std::string mean = constant("input:mean", per_channel, normalisation.mean);
    const std::string std_dev = constant("input:std_dev", per_channel, normalisation.std_dev);
    const Value centred = node("Sub", "input:centred", {raw.name, mean}, raw.shape);
    return node("Div", "input:normalised", {centred.name, std_dev}, raw.shape);
  }

  void name_output(Value output) {
    output.name = "logits";
    graph_.mutable_node()->rbegin()->set_output(0, output.name);
    *graph_.add_output() = value_info(output);
  }

  // --- operators -----------------------------------------------------------------------------

  Value write(const ir::Conv2d& conv) {
    const ir::LayerWeights& weights = deployed_.weights.layers.at(layer_->name);
    std::vector<std::string> inputs = {map(in()).name, constant(".weight", weights.weight)};
    if (conv.bias) inputs.push_back(constant(".bias", weights.bias));
    const Value out = node("Conv", layer_->name, inputs, shape_);
    set(conv.window);
    set("dilations", Ints{conv.dilation_height, conv.dilation_width});
    set("group", std::int64_t{conv.groups});
    return out;
  }

  Value write(const ir::Linear& linear) {
    const ir::LayerWeights& weights = deployed_.weights.layers.at(layer_->name);
    std::vector<std::string> inputs = {flat(in()).name, constant(".weight", weights.weight)};
    if (linear.bias) inputs.push_back(constant(".bias", weights.bias));
    const Value out = node("Gemm", layer_->name, inputs, shape_, /*rank=*/2);
    set("transB", std::int64_t{1});
    return out;
  }

  Value write(const ir::BatchNorm&) {
    throw error(ErrorCode::kInternal, "layer '{}': a batch norm was not folded", layer_->name);
  }

  Value write(const ir::Activation& activation) {
    const auto pointwise = [this](const char* type, std::vector<std::string> inputs) {
      return node(type, layer_->name, inputs, shape_, in().rank);
    };
    const std::string& x = in().name;
    switch (activation.kind) {
      case ir::ActivationKind::kRelu:
        return pointwise("Relu", {x});
      case ir::ActivationKind::kRelu6:
        return pointwise("Clip", {x, scalar("clip:min", 0.0F), scalar("clip:max", 6.0F)});
      case ir::ActivationKind::kHardSwish:
        return pointwise("HardSwish", {x});
      case ir::ActivationKind::kHardSigmoid: {
        const Value out = pointwise("HardSigmoid", {x});
        set("alpha", 1.0F / 6.0F);
        set("beta", 0.5F);
        return out;
      }
      case ir::ActivationKind::kSigmoid:
        break;
    }
    return pointwise("Sigmoid", {x});
  }

  Value write(const ir::Add&) {
    const std::vector<Value> terms = aligned_inputs();
    Value sum = terms.front();
    for (std::size_t i = 1; i < terms.size(); ++i) {
      const bool is_last = i + 1 == terms.size();
      const std::string name = is_last ? layer_->name : fmt::format("{}:sum{}", layer_->name, i);
      sum = node("Add", name, {sum.name, terms[i].name}, shape_, sum.rank);
    }
    return sum;
  }

  Value write(const ir::Mul&) {
    const std::vector<Value> factors = aligned_inputs();
    return node("Mul", layer_->name, {factors[0].name, factors[1].name}, shape_, factors[0].rank);
  }

  Value write(const ir::Concat&) {
    const std::vector<Value> parts = aligned_inputs();
    std::vector<std::string> names;
    for (const Value& part : parts) names.push_back(part.name);
    const Value out = node("Concat", layer_->name, names, shape_, parts.front().rank);
    set("axis", std::int64_t{1});
    return out;
  }

  Value write(const ir::Pool& pool) {
    const char* const type = pool.kind == ir::PoolKind::kMax ? "MaxPool" : "AveragePool";
    const Value out = node(type, layer_->name, {map(in()).name}, shape_);
    set(pool.window);
    return out;
  }

  Value write(const ir::GlobalAveragePool&) {
    return node("GlobalAveragePool", layer_->name, {map(in()).name}, shape_);
  }

  Value write(const ir::Flatten&) {
    const Value out = node("Flatten", layer_->name, {in().name}, shape_, /*rank=*/2);
    set("axis", std::int64_t{1});
    return out;
  }

  Value write(const ir::Softmax&) {
    const Value out = node("Softmax", layer_->name, {in().name}, shape_, in().rank);
    set("axis", std::int64_t{1});
    return out;
  }

  Value write(const ir::Pad& pad) {
    const auto& [top, left, bottom, right] = pad.padding;
    const std::string pads =
        constant(layer_->name + ":pads", {8}, Ints{0, 0, top, left, 0, 0, bottom, right});
    return node("Pad", layer_->name, {map(in()).name, pads}, shape_);
  }

  // A constant would not follow the batch, which is symbolic.
  Value write(const ir::Zero& zero) {
    Value strided = map(in());
    if (zero.stride > 1) {
      strided = node("MaxPool", layer_->name + ":strided", {strided.name}, shape_);
      set("kernel_shape", Ints{1, 1});
      set("strides", Ints{zero.stride, zero.stride});
    }
    return node("Mul", layer_->name, {strided.name, scalar("zero:factor", 0.0F)}, shape_);
  }

  const ir::FoldedNetwork& deployed_;
  onnx::ModelProto proto_;
  onnx::GraphProto graph_;
  Value input_;
  std::vector<Value> values_;  ///< of the layers written so far
  std::map<std::string, Value> converted_;
  Value pending_;  ///< the last node's output
  const ir::Layer* layer_ = nullptr;
  ir::Shape shape_;  ///< the current layer's output
};

/// Runs the ONNX project's own checks; they compare our declared shapes with the inferred ones.
void check(onnx::ModelProto proto, const std::string& name) {
  try {
    onnx::checker::check_model(proto);
    onnx::shape_inference::InferShapes(
        proto, onnx::OpSchemaRegistry::Instance(),
        onnx::ShapeInferenceOptions{/*check_type=*/true, /*error_mode=*/1,
                                    /*enable_data_propagation=*/true});
  } catch (const std::exception& refusal) {
    throw error(ErrorCode::kInternal, "model '{}': the ONNX checker refuses what was written: {}",
                name, refusal.what());
  }
}

}  // namespace

void write_onnx(const Model& model, const std::filesystem::path& file) {
  const ir::FoldedNetwork network = deployed(model);
  const onnx::ModelProto proto = GraphWriter(model, network).write();
  check(proto, model.name);
  std::string bytes;
  if (!proto.SerializeToString(&bytes)) {
    throw invalid_argument("model '{}': larger than the 2 GiB of an ONNX file", model.name);
  }
  write_file_atomically(file, bytes);
}

}  // namespace hwnas::exporters
