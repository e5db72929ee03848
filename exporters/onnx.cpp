#include "exporters/onnx.hpp"

#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "exporters/deployed.hpp"
#include "exporters/onnx_builder.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::exporters {

namespace {

using Ints = std::vector<std::int64_t>;
using Value = OnnxValue;

/// Writes one network, layer by layer; one use each.
class GraphWriter {
 public:
  GraphWriter(const Model& model, const ir::FoldedNetwork& deployed)
      : deployed_(deployed),
        builder_(model.name),
        input_(builder_.normalised_input(deployed.network.input, model.normalisation)) {}

  OnnxBuilder write() {
    const ir::Network& network = deployed_.network;
    const std::vector<ir::Shape> shapes = ir::infer_shapes(network);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
      layer_ = &network.layers[i];
      shape_ = shapes[i];
      values_.push_back(std::visit([this](const auto& op) { return write(op); }, layer_->op));
    }
    builder_.finish(is_flat(values_.back().shape) ? flat(values_.back()) : values_.back(),
                    "logits");
    return std::move(builder_);
  }

 private:
  static bool is_flat(const ir::Shape& shape) { return shape.height == 1 && shape.width == 1; }

  // --- pieces --------------------------------------------------------------------------------

  Value node(const char* type, const std::string& name, const std::vector<std::string>& inputs,
             const ir::Shape& shape, int rank = 4) {
    return builder_.node(type, name, inputs, {.name = {}, .shape = shape, .rank = rank});
  }
  template <typename T>
  void set(const char* name, const T& value) {
    builder_.set(name, value);
  }
  std::string constant(const char* suffix, const ir::Array& array) {
    return builder_.constant(layer_->name + suffix, array.shape, array.values);
  }
  std::string scalar(const char* name, float value) {
    return builder_.constant(name, Ints{}, std::vector<float>{value});
  }

  /// Input `position` of the current layer.
  const Value& in(std::size_t position = 0) const {
    const int index = layer_->inputs[position];
    return index == ir::kNetworkInput ? input_ : values_[index];
  }
  /// The value with all four axes.
  Value map(const Value& value) {
    if (value.rank == 4) return value;
    const std::string axes = builder_.constant("map:axes", {2}, Ints{2, 3});
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

  // --- operators -----------------------------------------------------------------------------

  Value write(const ir::Conv2d& conv) {
    const ir::LayerWeights& weights = deployed_.weights.layers.at(layer_->name);
    std::vector<std::string> inputs = {map(in()).name, constant(".weight", weights.weight)};
    if (conv.bias) inputs.push_back(constant(".bias", weights.bias));
    const Value out = node("Conv", layer_->name, inputs, shape_);
    builder_.set(conv.window);
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
    builder_.set(pool.window);
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
        builder_.constant(layer_->name + ":pads", {8}, Ints{0, 0, top, left, 0, 0, bottom, right});
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
  OnnxBuilder builder_;
  Value input_;
  std::vector<Value> values_;  ///< of the layers written so far
  std::map<std::string, Value> converted_;
  const ir::Layer* layer_ = nullptr;
  ir::Shape shape_;  ///< the current layer's output
};

}  // namespace

void write_onnx(const Model& model, const std::filesystem::path& file) {
  const ir::FoldedNetwork network = deployed(model);
  GraphWriter(model, network).write().write(kOnnxOpset, kOnnxIrVersion, file);
}

}  // namespace hwnas::exporters
