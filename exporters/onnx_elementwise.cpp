#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "exporters/onnx_reader.hpp"

namespace hwnas::exporters {

OnnxReader::Value OnnxReader::read_identity(OnnxNode& node) {
  for (const char* const name : {"ratio", "seed", "is_test"}) node.ignore(name);
  return value(node);
}

// --- quantization ------------------------------------------------------------------------------

OnnxReader::Value OnnxReader::read_quantize(OnnxNode& node) {
  for (const char* const name : {"axis", "saturate", "precision"}) node.ignore(name);
  node.require("block_size", std::int64_t{0}, 0);
  node.require("output_dtype", std::int64_t{0}, 0);
  Value in = value(node);
  const ir::Quantization stated = constants_.quantization(node.input(1), node.input(2));
  std::optional<ir::Quantization>& known = quantization(in);
  if (in.form == Form::kInteger) node.fail("reads integers");
  if (!known && in.form == Form::kFloat) known = stated;
  if (known != stated) node.fail("quantizes a value that is quantized otherwise elsewhere");
  in.form = Form::kInteger;
  return in;
}

OnnxReader::Value OnnxReader::read_dequantize(OnnxNode& node) {
  node.ignore("axis");
  node.require("block_size", std::int64_t{0}, 0);
  Value in = value(node);
  if (in.form != Form::kInteger) node.fail("reads a value that no QuantizeLinear gave");
  if (quantization(in) != constants_.quantization(node.input(1), node.input(2))) {
    node.fail("its scale or zero point differs from the QuantizeLinear's");
  }
  in.form = Form::kRestored;
  return in;
}

// --- arithmetic --------------------------------------------------------------------------------

float OnnxReader::scalar(const OnnxNode& node, int position) {
  if (!is_constant(node, position)) node.fail("input {} is not a constant", position);
  const std::vector<float> values = constants_.floats(node.input(position)).values;
  if (values.size() != 1) node.fail("input {} has {} values, not 1", position, values.size());
  return values.front();
}

/// A constant that is broadcast to the value, as one number a channel.
std::vector<float> OnnxReader::per_channel(const OnnxNode& node, int position, const Value& in) {
  ir::Array constant = constants_.floats(node.input(position));
  const auto channels = static_cast<std::size_t>(shape(in).channels);
  if (constant.values.size() == 1) {
    constants_.take(channels * sizeof(float));
    return std::vector<float>(channels, constant.values.front());
  }
  std::vector<std::int64_t> extents = constant.shape;
  while (!extents.empty() && extents.front() == 1) extents.erase(extents.begin());
  std::vector<std::int64_t> expected = {static_cast<std::int64_t>(channels)};
  if (!in.channels_last) expected.resize(static_cast<std::size_t>(in.rank - 1), 1);
  if (extents != expected) node.fail("its constant is neither a number nor one a channel");
  return std::move(constant.values);
}

/// Takes a step on the network's input into its normalisation; false if it is none.
bool OnnxReader::normalise_input(const OnnxNode& node, const Value& in,
                                 const std::vector<float>& values) {
  const std::string& type = node.proto().op_type();
  const bool scales = type == "Mul" || type == "Div";
  const bool commutes = type == "Mul" || type == "Add";
  const bool starts = in.layer == ir::kNetworkInput && graph_.layers.empty();
  if (!starts || graph_.input_quantization || (!commutes && !is_constant(node, 1))) return false;
  const auto usable = [&](float v) { return std::isfinite(v) && (!scales || v > 0); };
  if (!std::ranges::all_of(values, usable)) return false;
  auto& [mean, std_dev] = graph_.normalisation;
  mean.resize(values.size(), 0.0F);
  std_dev.resize(values.size(), 1.0F);
  for (std::size_t c = 0; c < values.size(); ++c) {
    if (type == "Sub") mean[c] += values[c] * std_dev[c];
    if (type == "Add") mean[c] -= values[c] * std_dev[c];
    if (type == "Div") std_dev[c] *= values[c];
    if (type == "Mul") std_dev[c] /= values[c];
  }
  return true;
}

/// x·scale + shift per channel, as a batch norm that is folded where it can be.
OnnxReader::Value OnnxReader::add_affine(const OnnxNode& node, const Value& in,
                                         std::vector<float> scale, std::vector<float> shift) {
  const std::size_t channels = scale.size();
  constants_.take(3 * channels * sizeof(float));
  const Value out = add(node, ir::BatchNorm{.epsilon = 1.0F}, {in});
  const std::vector<std::int64_t> extents = {static_cast<std::int64_t>(channels)};
  // 1/√(running_var + epsilon) is exactly 1.
  layer(out).weights = {.weight = {extents, std::move(scale)},
                        .bias = {extents, std::move(shift)},
                        .running_mean = {extents, std::vector<float>(channels)},
                        .running_var = {extents, std::vector<float>(channels)}};
  return out;
}

/// Add, Sub, Mul and Div of two values, or of a value and a constant.
OnnxReader::Value OnnxReader::read_arithmetic(OnnxNode& node) {
  const std::string& type = node.proto().op_type();
  const bool constant_first = is_constant(node, 0);
  if (!constant_first && !is_constant(node, 1)) {
    Value left = value(node, 0), right = value(node, 1);
    if (type == "Add") return add(node, ir::Add{}, {left, right});
    if (type != "Mul") node.fail("of two computed values is not read");
    const ir::Shape& gate = shape(left);
    if (gate.height == 1 && gate.width == 1 && shape(right) != gate) std::swap(left, right);
    return add(node, ir::Mul{}, {left, right});
  }
  Value in = value(node, constant_first ? 1 : 0);
  std::vector<float> scale = per_channel(node, constant_first ? 0 : 1, in);
  if (type == "Mul" && std::ranges::all_of(scale, [](float v) { return v == 0; })) {
    return add(node, ir::Zero{}, {in});
  }
  if (normalise_input(node, in, scale)) {
    in.normalisations = ++normalisations_;
    return in;
  }
  std::vector<float> shift(scale.size());
  if (type == "Add" || type == "Sub") {
    shift.swap(scale);
    const bool negates = type == "Sub" && constant_first;
    std::ranges::fill(scale, negates ? -1.0F : 1.0F);
    if (type == "Sub" && !constant_first) {
      for (float& value : shift) value = -value;
    }
  } else if (type == "Div") {
    if (constant_first) node.fail("divides by a computed value");
    for (float& value : scale) value = 1 / value;
  }
  return add_affine(node, in, std::move(scale), std::move(shift));
}

OnnxReader::Value OnnxReader::read_batch_norm(OnnxNode& node) {
  node.ignore("momentum");
  node.require("spatial", std::int64_t{1}, 1);
  node.require("training_mode", std::int64_t{0}, 0);
  const ir::BatchNorm norm{.epsilon = node.real("epsilon", 1e-5F)};
  require_channels_first(node, value(node));
  std::vector<ir::Array> arrays;
  for (int i = 1; i < 5; ++i) {
    if (!is_constant(node, i)) node.fail("input {} is not a constant", i);
    arrays.push_back(constants_.floats(node.input(i)));
  }
  const Value out = add(node, norm);
  layer(out).weights = {.weight = std::move(arrays[0]),
                        .bias = std::move(arrays[1]),
                        .running_mean = std::move(arrays[2]),
                        .running_var = std::move(arrays[3])};
  return out;
}

// --- activations -------------------------------------------------------------------------------

OnnxReader::Value OnnxReader::read_activation(OnnxNode& node) {
  const std::string& type = node.proto().op_type();
  if (type == "Relu") return add(node, ir::Activation{ir::ActivationKind::kRelu});
  if (type == "HardSwish") return add(node, ir::Activation{ir::ActivationKind::kHardSwish});
  return add(node, ir::Activation{ir::ActivationKind::kSigmoid});
}

/// Clip from 0 to 6 is ReLU6, from 0 to nowhere ReLU. Bounds are attributes before opset 11.
OnnxReader::Value OnnxReader::read_clip(OnnxNode& node) {
  const float low =
      node.has_input(1) ? scalar(node, 1) : node.real("min", std::numeric_limits<float>::lowest());
  const float high =
      node.has_input(2) ? scalar(node, 2) : node.real("max", std::numeric_limits<float>::max());
  if (low != 0) node.fail("clips at {} from below, only 0 is read", low);
  if (high >= std::numeric_limits<float>::max()) {
    return add(node, ir::Activation{ir::ActivationKind::kRelu});
  }
  const Value out = add(node, ir::Activation{ir::ActivationKind::kRelu6});
  layer(out).clip = high;
  return out;
}

OnnxReader::Value OnnxReader::read_hard_sigmoid(OnnxNode& node) {
  node.require("alpha", 1.0F / 6.0F, 0.2F);
  node.require("beta", 0.5F, 0.5F);
  return add(node, ir::Activation{ir::ActivationKind::kHardSigmoid});
}

OnnxReader::Value OnnxReader::read_softmax(OnnxNode& node) {
  const Value& in = value(node);
  const std::int64_t axis = node.integer("axis", opset_ < 13 ? 1 : -1);
  if ((axis < 0 ? axis + in.rank : axis) != 1) node.fail("is over axis {}, not channels", axis);
  require_channels_first(node, in);
  return add(node, ir::Softmax{});
}

}  // namespace hwnas::exporters
