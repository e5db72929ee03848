#include "exporters/tflite_layers.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace hwnas::exporters {

namespace {

using Type = tflite::TensorType;

constexpr std::size_t kLayerBytes = 1024;  ///< more than a layer without weights takes

}  // namespace

TfliteLayers::TfliteLayers(TfliteReader& reader, int input_tensor)
    : reader_(reader), is_integer_(reader.type(input_tensor) != Type::FLOAT32) {
  real_.network.input = integer_.input = reader.shape(input_tensor);
  if (is_integer_) integer_.input_quantization = reader.quantization(input_tensor);
}

ir::Quantization TfliteLayers::quantization_of(int layer) const {
  if (!is_integer_) return {};
  return layer == ir::kNetworkInput ? integer_.input_quantization : integer_.layers[layer].output;
}

int TfliteLayers::append(const std::string& name, const ir::Operator& kind, std::vector<int> inputs,
                         const ir::Shape& shape, const ir::Quantization& quantization) {
  reader_.take(kLayerBytes + inputs.size() * sizeof(int));
  declared_.push_back(shape);
  if (is_integer_) {
    integer_.layers.push_back({.name = name,
                               .op = kind,
                               .inputs = std::move(inputs),
                               .output = quantization,
                               .weight = {}});
  } else {
    real_.network.layers.push_back({name, kind, std::move(inputs), ir::Precision{}});
  }
  return count() - 1;
}

int TfliteLayers::add_between(const char* what, const ir::Operator& kind, int input,
                              const ir::Shape& shape) {
  return append(fmt::format("{}.{}", count(), what), kind, {input}, shape, quantization_of(input));
}

std::string TfliteLayers::name_of(const TfliteOp& op) const {
  std::string name = fmt::format("{}.{}", count(), reader_.name(op.output()));
  std::ranges::replace_if(
      name, [](unsigned char c) { return c >= 0x80 || (!std::isalnum(c) && c != '_' && c != '.'); },
      '_');
  return name;
}

int TfliteLayers::add(const TfliteOp& op, const ir::Operator& kind, std::vector<int> inputs,
                      const Clamp& activation) {
  const int output = op.output();
  const std::string name = name_of(op);
  const ir::Shape shape = reader_.shape(output);
  const auto quantization = is_integer_ ? reader_.quantization(output) : ir::Quantization{};
  const int layer = append(name, kind, std::move(inputs), shape, quantization);
  if (!activation) return layer;
  if (!is_integer_) {
    return append(name + ".activation", ir::Activation{*activation}, {layer}, shape, {});
  }
  integer_.layers[layer].activation = activation;
  return layer;
}

int TfliteLayers::add_weighted(const TfliteOp& op, const ir::Operator& kind, int input,
                               const WeightOrder& order, const Clamp& activation) {
  const int weight = op.input(1);
  const int channels = static_cast<int>(order.shape[0]);
  const std::optional<int> bias = op.has_input(2) ? std::optional(op.input(2)) : std::nullopt;
  if (bias && reader_.dims(*bias) != std::vector<int>{channels}) {
    throw invalid_argument("its bias has not {} values", channels);
  }
  if (!is_integer_) {
    ir::LayerWeights weights;
    weights.weight = {order.shape,
                      reader_.floats(weight, order.scale_axis, order.rows, order.columns)};
    if (bias) weights.bias = {{channels}, reader_.floats(*bias)};
    real_.weights.layers[name_of(op)] = std::move(weights);
    return add(op, kind, {input}, activation);
  }
  const int index = add(op, kind, {input}, activation);
  ir::QuantizedLayer& layer = integer_.layers[index];
  layer.format =
      reader_.type(weight) == Type::INT4 ? ir::WeightFormat::kInt4 : ir::WeightFormat::kInt8;
  layer.weight = reader_.small_integers(weight, order.rows, order.columns);
  layer.weight_scales = reader_.scales(weight, order.scale_axis, channels);
  if (bias) read_bias(*bias, quantization_of(input), layer);
  return index;
}

void TfliteLayers::read_bias(int tensor, const ir::Quantization& input, ir::QuantizedLayer& layer) {
  layer.bias = reader_.integers(tensor);
  const std::vector<float> scales = reader_.optional_scales(tensor);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const float expected = input.scale * layer.weight_scales[i % layer.weight_scales.size()];
    // TensorFlow Lite's bound, beyond which it refuses the file.
    if (!(std::abs(scales[i] - expected) <= 0.02F * layer.output.scale)) {
      throw invalid_argument("its bias has scale {}, not input scale times weight scale, {}",
                             scales[i], expected);
    }
  }
}

int TfliteLayers::add_affine(const TfliteOp& op, int input, std::vector<float> scale,
                             std::vector<float> shift, const Clamp& activation) {
  const auto channels = static_cast<int>(scale.size());
  const ir::Conv2d conv{.out_channels = channels, .window = {}, .groups = channels, .bias = true};
  real_.weights.layers[name_of(op)] = {.weight = {{channels, 1, 1, 1}, std::move(scale)},
                                       .bias = {{channels}, std::move(shift)},
                                       .running_mean = {},
                                       .running_var = {}};
  return add(op, conv, {input}, activation);
}

void TfliteLayers::require_declared_shapes(const std::vector<ir::Shape>& shapes) const {
  const auto [shape, declared] = std::ranges::mismatch(shapes, declared_);
  if (shape == shapes.end()) return;
  const auto index = static_cast<std::size_t>(shape - shapes.begin());
  throw invalid_argument(
      "layer '{}': its output is not of the shape that the file declares",
      is_integer_ ? integer_.layers[index].name : real_.network.layers[index].name);
}

TfliteNetwork TfliteLayers::take() {
  if (is_integer_) {
    require_declared_shapes(ir::infer_shapes(integer_));
    ir::verify(integer_);
    return std::move(integer_);
  }
  require_declared_shapes(ir::infer_shapes(real_.network));
  ir::verify(real_.network);
  ir::verify(real_.network, real_.weights);
  return std::move(real_);
}

}  // namespace hwnas::exporters
