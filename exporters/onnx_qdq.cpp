#include <algorithm>
#include <map>

#include "core/error.hpp"
#include "exporters/onnx.hpp"
#include "exporters/onnx_builder.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::exporters {

namespace {

using Ints = std::vector<std::int64_t>;

/// A quantized tensor of the graph.
struct Value {
  std::string owner;  ///< what its names begin with
  OnnxValue tensor;
  ir::Quantization quantization;
};

/// Two values a byte, the first in the low half.
std::vector<std::uint8_t> packed_int4(const std::vector<std::int8_t>& values) {
  std::vector<std::uint8_t> bytes((values.size() + 1) / 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    bytes[i / 2] |= static_cast<std::uint8_t>((values[i] & 0xF) << (i % 2 * 4));
  }
  return bytes;
}

bool is_stored_in_int4(const ir::QuantizedLayer& layer) {
  return !layer.weight.empty() && layer.format != ir::WeightFormat::kInt8 &&
         ir::info(layer.format).bits <= 4;
}

/// The lowest opset that has what the network needs.
int opset_of(const ir::QuantizedNetwork& network) {
  int opset = 13;  // scales per channel
  if (network.input_quantization.bits == 16) opset = 21;
  for (const ir::QuantizedLayer& layer : network.layers) {
    const auto* const activation = std::get_if<ir::Activation>(&layer.op);
    if (activation != nullptr && activation->kind == ir::ActivationKind::kHardSwish) {
      opset = std::max(opset, 14);
    }
    if (is_stored_in_int4(layer) || layer.output.bits == 16) opset = 21;
  }
  return opset;
}

/// Writes one network, layer by layer; one use each.
class QdqWriter {
 public:
  explicit QdqWriter(const Model& model)
      : network_(*model.quantized), shapes_(ir::infer_shapes(network_)), builder_(model.name) {
    const OnnxValue input = builder_.normalised_input(network_.input, model.normalisation);
    // With a ':' of its own, so that a layer named "input" does not clash.
    input_ = quantized(input, "input:normalised", network_.input_quantization);
  }

  OnnxBuilder write() {
    for (int i = 0; i < std::ssize(network_.layers); ++i) {
      layer_ = &network_.layers[i];
      shape_ = shapes_[i];
      OnnxValue result = std::visit([this](const auto& op) { return write(op); }, layer_->op);
      if (layer_->activation) result = activated(result);
      values_.push_back(quantized(result, layer_->name, layer_->output));
    }
    const ir::Shape& shape = values_.back().tensor.shape;
    const bool is_flat = shape.height == 1 && shape.width == 1;
    const Value output = is_flat ? flat(values_.back()) : values_.back();
    builder_.finish(restored(output, "logits:restored"), "logits");
    return std::move(builder_);
  }

 private:
  // --- quantization --------------------------------------------------------------------------

  /// Constants of a tensor's quantization. Of 8 bits values are stored as q + 128, which every
  /// runtime fuses (OpenVINO takes uint8 activations only); of 16 bits as they are.
  std::vector<std::string> parameters(const std::string& owner, const ir::Quantization& q) {
    const std::string scale =
        builder_.constant(owner + ":scale", Ints{}, std::vector<float>{q.scale});
    if (q.bits == 16) {
      const std::int16_t zero = 0;
      return {scale, builder_.constant(owner + ":zero_point", onnx::TensorProto::INT16, Ints{},
                                       &zero, sizeof zero)};
    }
    const auto zero = static_cast<std::uint8_t>(q.zero_point + 128);
    return {scale, builder_.constant(owner + ":zero_point", onnx::TensorProto::UINT8, Ints{}, &zero,
                                     sizeof zero)};
  }

  Value quantized(OnnxValue real, const std::string& owner, const ir::Quantization& q) {
    std::vector<std::string> inputs = {real.name};
    std::ranges::copy(parameters(owner, q), std::back_inserter(inputs));
    real.type = q.bits == 16 ? onnx::TensorProto::INT16 : onnx::TensorProto::UINT8;
    return {owner, builder_.node("QuantizeLinear", owner + ":quantized", inputs, real), q};
  }

  OnnxValue restored(const Value& value, const std::string& name) {
    std::vector<std::string> inputs = {value.tensor.name};
    std::ranges::copy(parameters(value.owner, value.quantization), std::back_inserter(inputs));
    OnnxValue real = value.tensor;
    real.type = onnx::TensorProto::FLOAT;
    return builder_.node("DequantizeLinear", name, inputs, real);
  }

  // --- pieces --------------------------------------------------------------------------------

  OnnxValue node(const char* type, const std::vector<std::string>& inputs, int rank = 4) {
    return builder_.node(type, layer_->name, inputs, {.name = {}, .shape = shape_, .rank = rank});
  }

  const Value& value(std::size_t position) const {
    const int index = layer_->inputs[position];
    return index == ir::kNetworkInput ? input_ : values_[index];
  }
  /// Input `position` of the current layer, dequantized for it alone.
  OnnxValue real(const Value& value, std::size_t position = 0) {
    return restored(value, fmt::format("{}:input{}", layer_->name, position));
  }
  OnnxValue in(std::size_t position = 0) { return real(value(position), position); }

  /// The value with the axes batch and channels.
  Value flat(const Value& value) { return with_rank(2, value, "flat", "Flatten"); }
  /// The value with all four axes.
  Value map(const Value& value) { return with_rank(4, value, "map", "Unsqueeze"); }

  /// One conversion serves all readers of a value.
  Value with_rank(int rank, const Value& value, const char* suffix, const char* type) {
    if (value.tensor.rank == rank) return value;
    const std::string name = fmt::format("{}:{}", value.owner, suffix);
    const auto found = converted_.find(name);
    if (found != converted_.end()) return found->second;
    OnnxValue result = restored(value, name + ":input");
    std::vector<std::string> inputs = {result.name};
    if (rank == 4) inputs.push_back(builder_.constant("map:axes", {2}, Ints{2, 3}));
    result.rank = rank;
    result = builder_.node(type, name, inputs, result);
    if (rank == 2) builder_.set("axis", std::int64_t{1});
    return converted_.emplace(name, quantized(result, name, value.quantization)).first->second;
  }

  /// All inputs of the current layer with one rank: 2 where all have it.
  std::vector<OnnxValue> aligned_inputs() {
    std::vector<Value> inputs;
    for (std::size_t i = 0; i < layer_->inputs.size(); ++i) inputs.push_back(value(i));
    if (!std::ranges::all_of(inputs, [](const Value& v) { return v.tensor.rank == 2; })) {
      for (Value& input : inputs) input = map(input);
    }
    std::vector<OnnxValue> reals;
    for (std::size_t i = 0; i < inputs.size(); ++i) reals.push_back(real(inputs[i], i));
    return reals;
  }

  // --- weights -------------------------------------------------------------------------------

  /// Weights as integers and their DequantizeLinear; the bias likewise, at input scale x weight
  /// scale. Returns the names of both, the second only if there is a bias.
  std::vector<std::string> weights(const Ints& shape, const ir::Quantization& input) {
    const std::string& name = layer_->name;
    const bool is_int4 = is_stored_in_int4(*layer_);
    const int type = is_int4 ? kOnnxInt4 : static_cast<int>(onnx::TensorProto::INT8);
    const auto integers = [&](const std::string& to, const Ints& extents,
                              const std::vector<std::int8_t>& values) {
      if (!is_int4) return builder_.constant(to, type, extents, values.data(), values.size());
      const std::vector<std::uint8_t> packed = packed_int4(values);
      return builder_.constant(to, type, extents, packed.data(), packed.size());
    };
    const std::vector<float>& scales = layer_->weight_scales;
    const Ints per_scale = scales.size() == 1 ? Ints{} : Ints{std::ssize(scales)};
    const std::vector<std::int8_t> zeros(scales.size());
    std::vector<std::string> result = {
        restored_constant(name + ":weight", shape,
                          {integers(name + ".weight", shape, layer_->weight),
                           builder_.constant(name + ":weight:scale", per_scale, scales),
                           integers(name + ":weight:zero_point", per_scale, zeros)})};
    // int4 holds narrower formats too; the file says which one, so that it reads back equal.
    if (is_int4 && layer_->format != ir::WeightFormat::kInt4) {
      builder_.add_metadata(name + ".weight", std::string(ir::info(layer_->format).name));
    }
    if (!layer_->bias.empty()) result.push_back(bias(input, per_scale));
    return result;
  }

  std::string bias(const ir::Quantization& input, const Ints& per_scale) {
    const std::string& name = layer_->name;
    std::vector<std::int32_t> integers;
    for (const std::int64_t value : layer_->bias) {
      integers.push_back(static_cast<std::int32_t>(value));
      if (integers.back() != value) {
        throw invalid_argument(
            "layer '{}': bias {} does not fit the int32 of ONNX; use 8-bit activations", name,
            value);
      }
    }
    std::vector<float> scales = layer_->weight_scales;
    for (float& scale : scales) scale *= input.scale;
    const Ints shape = {std::ssize(integers)};
    const std::vector<std::int32_t> zeros(scales.size());
    return restored_constant(
        name + ":bias", shape,
        {builder_.constant(name + ".bias", onnx::TensorProto::INT32, shape, integers.data(),
                           integers.size() * sizeof(std::int32_t)),
         builder_.constant(name + ":bias:scale", per_scale, scales),
         builder_.constant(name + ":bias:zero_point", onnx::TensorProto::INT32, per_scale,
                           zeros.data(), zeros.size() * sizeof(std::int32_t))});
  }

  std::string restored_constant(const std::string& name, const Ints& shape,
                                const std::vector<std::string>& inputs) {
    builder_.constant_node("DequantizeLinear", name, inputs, shape);
    builder_.set("axis", std::int64_t{0});
    return name;
  }

  // --- operators -----------------------------------------------------------------------------

  OnnxValue write(const ir::Conv2d& conv) {
    const Value input = map(value(0));
    std::vector<std::string> inputs = {real(input).name};
    const Ints shape = {conv.out_channels, input.tensor.shape.channels / conv.groups,
                        conv.window.kernel_height, conv.window.kernel_width};
    std::ranges::copy(weights(shape, input.quantization), std::back_inserter(inputs));
    const OnnxValue out = node("Conv", inputs);
    builder_.set(conv.window);
    builder_.set("dilations", Ints{conv.dilation_height, conv.dilation_width});
    builder_.set("group", std::int64_t{conv.groups});
    return out;
  }

  OnnxValue write(const ir::Linear& linear) {
    const Value input = flat(value(0));
    std::vector<std::string> inputs = {real(input).name};
    const Ints shape = {linear.out_features, input.tensor.shape.channels};
    std::ranges::copy(weights(shape, input.quantization), std::back_inserter(inputs));
    const OnnxValue out = node("Gemm", inputs, /*rank=*/2);
    builder_.set("transB", std::int64_t{1});
    return out;
  }

  OnnxValue write(const ir::Activation& activation) {
    const OnnxValue x = in();
    switch (activation.kind) {
      case ir::ActivationKind::kRelu:
        return node("Relu", {x.name}, x.rank);
      case ir::ActivationKind::kRelu6:
        return clipped(layer_->name, x);
      case ir::ActivationKind::kHardSwish:
        return node("HardSwish", {x.name}, x.rank);
      case ir::ActivationKind::kHardSigmoid: {
        const OnnxValue out = node("HardSigmoid", {x.name}, x.rank);
        builder_.set("alpha", 1.0F / 6.0F);
        builder_.set("beta", 0.5F);
        return out;
      }
      case ir::ActivationKind::kSigmoid:
        break;
    }
    return node("Sigmoid", {x.name}, x.rank);
  }

  /// The activation fused into the current layer. It stays in the graph, though a zero point of 0
  /// implies it, so that the file reads back equal; runtimes drop it.
  OnnxValue activated(const OnnxValue& x) {
    const std::string name = layer_->name + ":activation";
    if (*layer_->activation == ir::ActivationKind::kRelu6) return clipped(name, x);
    return builder_.node("Relu", name, {x.name}, x);
  }

  /// ReLU6 up to the quantized 6 where that is a little more: ONNX Runtime drops a Clip only if it
  /// covers the whole range of the QuantizeLinear that follows, and 6 rounds to that value anyway.
  OnnxValue clipped(const std::string& name, const OnnxValue& x) {
    const ir::Quantization& q = layer_->output;
    ir::QuantizedLayer relu6;
    relu6.output = q;
    relu6.activation = ir::ActivationKind::kRelu6;
    const auto highest = static_cast<float>(ir::output_range(relu6).highest - q.zero_point);
    const std::string low = builder_.constant("clip:min", Ints{}, std::vector<float>{0});
    const std::string high = builder_.constant(
        layer_->name + ":clip", Ints{}, std::vector<float>{std::max(6.0F, q.scale * highest)});
    return builder_.node("Clip", name, {x.name, low, high}, x);
  }

  OnnxValue write(const ir::Add&) { return write_binary("Add"); }
  OnnxValue write(const ir::Mul&) { return write_binary("Mul"); }
  OnnxValue write_binary(const char* type) {
    const std::vector<OnnxValue> inputs = aligned_inputs();
    return node(type, {inputs[0].name, inputs[1].name}, inputs[0].rank);
  }

  OnnxValue write(const ir::Concat&) {
    const std::vector<OnnxValue> parts = aligned_inputs();
    std::vector<std::string> names;
    for (const OnnxValue& part : parts) names.push_back(part.name);
    const OnnxValue out = node("Concat", names, parts.front().rank);
    builder_.set("axis", std::int64_t{1});
    return out;
  }

  OnnxValue write(const ir::Pool& pool) {
    const bool is_max = pool.kind == ir::PoolKind::kMax;
    const OnnxValue out = node(is_max ? "MaxPool" : "AveragePool", {real(map(value(0))).name});
    builder_.set(pool.window);
    return out;
  }

  OnnxValue write(const ir::GlobalAveragePool&) {
    return node("GlobalAveragePool", {real(map(value(0))).name});
  }

  OnnxValue write(const ir::Flatten&) {
    const OnnxValue out = node("Flatten", {in().name}, /*rank=*/2);
    builder_.set("axis", std::int64_t{1});
    return out;
  }

  OnnxValue write(const ir::Softmax&) {
    const OnnxValue x = in();
    const OnnxValue out = node("Softmax", {x.name}, x.rank);
    builder_.set("axis", std::int64_t{1});
    return out;
  }

  OnnxValue write(const ir::Pad& pad) {
    const auto& [top, left, bottom, right] = pad.padding;
    const std::string pads =
        builder_.constant(layer_->name + ":pads", {8}, Ints{0, 0, top, left, 0, 0, bottom, right});
    return node("Pad", {real(map(value(0))).name, pads});
  }

  template <typename Other>  // BatchNorm and Zero, which ir::verify has refused
  OnnxValue write(const Other&) {
    throw error(ErrorCode::kInternal, "layer '{}': has no integer form", layer_->name);
  }

  const ir::QuantizedNetwork& network_;
  const std::vector<ir::Shape> shapes_;
  OnnxBuilder builder_;
  Value input_;
  std::vector<Value> values_;  ///< of the layers written so far
  std::map<std::string, Value> converted_;
  const ir::QuantizedLayer* layer_ = nullptr;
  ir::Shape shape_;  ///< the current layer's output
};

}  // namespace

void write_onnx_qdq(const Model& model, const std::filesystem::path& file) {
  if (!model.quantized) {
    throw invalid_argument("model '{}': is not quantized; ONNX QDQ needs integers", model.name);
  }
  ir::verify(*model.quantized);
  const int opset = opset_of(*model.quantized);
  QdqWriter(model).write().write(opset, opset == 21 ? 10 : kOnnxIrVersion, file);
}

}  // namespace hwnas::exporters
