#include <algorithm>

#include "core/error.hpp"
#include "exporters/onnx_reader.hpp"

namespace hwnas::exporters {

const std::vector<OnnxReader::Operator>& OnnxReader::operators() {
  constexpr int kAny = static_cast<int>(kMaxOnnxExtent);
  static const std::vector<Operator> kOperators = {
      {"Add", 2, 2, &OnnxReader::read_arithmetic},
      {"AveragePool", 1, 1, &OnnxReader::read_pool},
      {"BatchNormalization", 5, 5, &OnnxReader::read_batch_norm},
      {"Clip", 1, 3, &OnnxReader::read_clip},
      {"Concat", 1, kAny, &OnnxReader::read_concat},
      {"Conv", 2, 3, &OnnxReader::read_conv},
      {"DequantizeLinear", 2, 3, &OnnxReader::read_dequantize},
      {"Div", 2, 2, &OnnxReader::read_arithmetic},
      {"Dropout", 1, 3, &OnnxReader::read_identity},
      {"Flatten", 1, 1, &OnnxReader::read_flatten},
      {"Gemm", 2, 3, &OnnxReader::read_gemm},
      {"GlobalAveragePool", 1, 1, &OnnxReader::read_global_average_pool},
      {"HardSigmoid", 1, 1, &OnnxReader::read_hard_sigmoid},
      {"HardSwish", 1, 1, &OnnxReader::read_activation},
      {"Identity", 1, 1, &OnnxReader::read_identity},
      {"MatMul", 2, 2, &OnnxReader::read_matmul},
      {"MaxPool", 1, 1, &OnnxReader::read_pool},
      {"Mul", 2, 2, &OnnxReader::read_arithmetic},
      {"Pad", 1, 4, &OnnxReader::read_pad},
      {"QuantizeLinear", 2, 3, &OnnxReader::read_quantize},
      {"ReduceMean", 1, 2, &OnnxReader::read_reduce_mean},
      {"Relu", 1, 1, &OnnxReader::read_activation},
      {"Reshape", 2, 2, &OnnxReader::read_reshape},
      {"Sigmoid", 1, 1, &OnnxReader::read_activation},
      {"Softmax", 1, 1, &OnnxReader::read_softmax},
      {"Squeeze", 1, 2, &OnnxReader::read_rank_change},
      {"Sub", 2, 2, &OnnxReader::read_arithmetic},
      {"Transpose", 1, 1, &OnnxReader::read_transpose},
      {"Unsqueeze", 1, 2, &OnnxReader::read_rank_change},
  };
  return kOperators;
}

// --- windows -----------------------------------------------------------------------------------

namespace {

/// Padding before and after one axis.
struct Sides {
  int before = 0;
  int after = 0;
};

/// ONNX, Conv, auto_pad SAME: as many outputs as input / stride, rounded up.
Sides same_padding(std::int64_t extent, std::int64_t kernel, std::int64_t stride,
                   std::int64_t dilation, bool extra_after) {
  const std::int64_t outputs = (extent + stride - 1) / stride;
  const std::int64_t reach = dilation * (kernel - 1) + 1;
  const std::int64_t total =
      std::clamp<std::int64_t>((outputs - 1) * stride + reach - extent, 0, kMaxOnnxExtent);
  const auto smaller = static_cast<int>(total / 2);
  const int larger = static_cast<int>(total) - smaller;
  return extra_after ? Sides{smaller, larger} : Sides{larger, smaller};
}

/// Two values, height and width, from one or two an axis of the file.
std::vector<int> as_two(std::vector<int> values, int fallback) {
  if (values.size() == 1) values.insert(values.begin(), fallback);
  return values;
}

}  // namespace

/// `kernel` and `dilations` are height and width; a signal (rank 3) has height 1.
ir::Window OnnxReader::window(OnnxNode& node, const Value& in, const std::vector<int>& kernel,
                              const std::vector<int>& dilations) {
  require_channels_first(node, in);
  if (in.rank < 3) node.fail("slides over a value of rank {}", in.rank);
  const auto axes = static_cast<std::size_t>(in.rank - 2);
  const std::vector<int> strides = as_two(node.extents("strides", axes, 1), 1);
  std::vector<int> pads = node.extents("pads", 2 * axes, 0);
  if (axes == 1) pads = {0, pads[0], 0, pads[1]};
  if (kernel[0] < 1 || kernel[1] < 1 || strides[0] < 1 || strides[1] < 1) {
    node.fail("has an empty window or no stride");
  }
  const std::string rule = node.text("auto_pad", "NOTSET");
  if (rule == "SAME_UPPER" || rule == "SAME_LOWER") {
    const ir::Shape& extents = shape(in);
    const bool upper = rule == "SAME_UPPER";
    const Sides y = same_padding(extents.height, kernel[0], strides[0], dilations[0], upper);
    const Sides x = same_padding(extents.width, kernel[1], strides[1], dilations[1], upper);
    pads = {y.before, x.before, y.after, x.after};
  } else if (rule == "VALID") {
    pads = {0, 0, 0, 0};
  } else if (rule != "NOTSET") {
    node.fail("auto_pad '{}' is not read", rule);
  }
  return {kernel[0], kernel[1], strides[0], strides[1], {pads[0], pads[1], pads[2], pads[3]}};
}

OnnxReader::Value OnnxReader::read_pool(OnnxNode& node) {
  Value in = value(node);
  const bool is_max = node.proto().op_type() == "MaxPool";
  const auto axes = static_cast<std::size_t>(std::max(in.rank - 2, 1));
  const std::vector<int> dilations = node.extents("dilations", axes, 1);
  if (std::ranges::any_of(dilations, [](int d) { return d != 1; })) node.fail("is dilated");
  ir::Pool pool{.kind = is_max ? ir::PoolKind::kMax : ir::PoolKind::kAverage, .window = {}};
  pool.window = window(node, in, as_two(node.extents("kernel_shape", axes, 0), 1), {1, 1});
  node.require("storage_order", std::int64_t{0}, 0);
  auto& [top, left, bottom, right] = pool.window.padding;
  if (node.integer("ceil_mode", 0) != 0) {
    const ir::Shape& extents = shape(in);
    const ir::Window& w = pool.window;
    const std::int64_t y = std::int64_t{extents.height} + top + bottom - w.kernel_height;
    const std::int64_t x = std::int64_t{extents.width} + left + right - w.kernel_width;
    if (y % w.stride_height != 0 || x % w.stride_width != 0) {
      node.fail("rounds its extent up (ceil_mode), which no kernel here does");
    }
  }
  // Padded pixels that count are pixels of an explicit padding.
  if (node.integer("count_include_pad", 0) != 0 && pool.window.padding != ir::Padding{}) {
    in = add(node, ir::Pad{pool.window.padding}, {in});
    pool.window.padding = {};
  }
  return add(node, pool, {in});
}

// --- weights -----------------------------------------------------------------------------------

/// The constant at input 1; a matrix with its outputs along axis 1 is transposed.
OnnxReader::Weight OnnxReader::weight(const OnnxNode& node, int output_axis) {
  const std::string name = node.input(1);
  if (!is_constant(node, 1)) node.fail("its weight is not a constant");
  Weight result;
  if (!constants_.is_dequantized(name)) {
    result.real = constants_.floats(name);
  } else {
    result.integers = constants_.quantized_weight(name);
    const IntegerArray& integers = *result.integers;
    if (integers.scales.size() > 1 && integers.axis != output_axis) {
      node.fail("its weight has scales along axis {}, not {}", integers.axis, output_axis);
    }
    constants_.take(integers.values.size() * sizeof(float));
    result.real = {integers.shape, {integers.values.begin(), integers.values.end()}};
  }
  const std::vector<std::int64_t> extents = result.real.shape;
  if (extents.size() < 2 || std::ranges::find(extents, 0) != extents.end()) {
    node.fail("its weight is empty or of rank {}", extents.size());
  }
  if (output_axis == 1) {
    const auto rows = static_cast<std::size_t>(extents[0]);
    const auto columns = static_cast<std::size_t>(extents[1]);
    const auto transpose = [&](auto& values) {
      constants_.take(values.size() * sizeof(values[0]));
      const auto original = values;
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = original[i % rows * columns + i / rows];
      }
    };
    if (extents.size() != 2) node.fail("its weight has rank {}", extents.size());
    transpose(result.real.values);
    if (result.integers) transpose(result.integers->values);
    std::ranges::reverse(result.real.shape);
  }
  if (result.integers) {
    const std::vector<float>& scales = result.integers->scales;
    const std::size_t per_scale = result.real.values.size() / scales.size();
    for (std::size_t i = 0; i < result.real.values.size(); ++i) {
      result.real.values[i] *= scales[i / per_scale];
    }
  }
  return result;
}

/// Gives the layer the weight and the bias at input 2.
void OnnxReader::set_weights(const OnnxNode& node, Weight weight, OnnxLayer& layer) {
  const auto channels = static_cast<std::size_t>(weight.real.shape[0]);
  if (node.has_input(2)) {
    const std::string name = node.input(2);
    if (!is_constant(node, 2)) node.fail("its bias is not a constant");
    ir::Array& bias = layer.weights.bias;
    if (constants_.is_dequantized(name)) {
      layer.integer_bias = constants_.quantized_bias(name);
      const auto& [values, scales] = *layer.integer_bias;
      if (scales.size() != 1 && scales.size() != values.size()) {
        node.fail("its bias has {} scales for {} values", scales.size(), values.size());
      }
      constants_.take(values.size() * sizeof(float));
      for (std::size_t i = 0; i < values.size(); ++i) {
        bias.values.push_back(static_cast<float>(values[i]) * scales[scales.size() == 1 ? 0 : i]);
      }
    } else {
      bias.values = constants_.floats(name).values;
    }
    bias.shape = {std::ssize(bias.values)};
    if (bias.values.size() != channels) {
      node.fail("has {} biases for {} outputs", bias.values.size(), channels);
    }
  }
  layer.weights.weight = std::move(weight.real);
  layer.integer_weight = std::move(weight.integers);
}

OnnxReader::Value OnnxReader::read_conv(OnnxNode& node) {
  Weight loaded = weight(node, /*output_axis=*/0);
  const Value& in = value(node);
  std::vector<std::int64_t>& extents = loaded.real.shape;
  if (std::ssize(extents) != in.rank || in.rank < 3) {
    node.fail("convolves a value of rank {} with a weight of rank {}", in.rank, extents.size());
  }
  const auto axes = static_cast<std::size_t>(in.rank - 2);
  if (axes == 1) extents.insert(extents.begin() + 2, 1);
  const std::vector<int> kernel = {static_cast<int>(extents[2]), static_cast<int>(extents[3])};
  if (const auto stated = node.ints("kernel_shape")) {
    if (!std::equal(stated->rbegin(), stated->rend(), kernel.rbegin(),
                    kernel.rbegin() + static_cast<std::ptrdiff_t>(axes))) {
      node.fail("kernel_shape is not that of the weight");
    }
  }
  const std::vector<int> dilations = as_two(node.extents("dilations", axes, 1), 1);
  const std::int64_t groups = node.integer("group", 1);
  if (groups < 1 || groups > kMaxOnnxExtent) node.fail("{} groups", groups);
  const ir::Conv2d conv{.out_channels = static_cast<int>(extents[0]),
                        .window = window(node, in, kernel, dilations),
                        .dilation_height = dilations[0],
                        .dilation_width = dilations[1],
                        .groups = static_cast<int>(groups),
                        .bias = node.has_input(2)};
  const Value out = add(node, conv);
  set_weights(node, std::move(loaded), layer(out));
  return out;
}

OnnxReader::Value OnnxReader::add_linear(const OnnxNode& node, int output_axis) {
  Weight loaded = weight(node, output_axis);
  if (loaded.real.shape.size() != 2) node.fail("its weight is no matrix");
  const ir::Linear linear{.out_features = static_cast<int>(loaded.real.shape[0]),
                          .bias = node.has_input(2)};
  Value out = add(node, linear);
  set_weights(node, std::move(loaded), layer(out));
  out.rank = 2;
  return out;
}

OnnxReader::Value OnnxReader::read_gemm(OnnxNode& node) {
  node.require("alpha", 1.0F, 1.0F);
  node.require("beta", 1.0F, 1.0F);
  node.require("transA", std::int64_t{0}, 0);
  return add_linear(node, node.integer("transB", 0) != 0 ? 0 : 1);
}

OnnxReader::Value OnnxReader::read_matmul(OnnxNode& node) {
  return add_linear(node, /*output_axis=*/1);
}

// --- shapes ------------------------------------------------------------------------------------

/// The axes of an attribute or, since opset 13, of an input, counted from the front. Empty if
/// neither is there.
std::vector<std::int64_t> OnnxReader::axes(OnnxNode& node, int position, int rank) {
  std::vector<std::int64_t> result = node.ints("axes").value_or(std::vector<std::int64_t>{});
  if (node.has_input(position)) result = constants_.integers(node.input(position));
  for (std::int64_t& axis : result) {
    if (axis < -rank || axis >= rank) node.fail("axis {} of rank {}", axis, rank);
    if (axis < 0) axis += rank;
  }
  std::ranges::sort(result);
  return result;
}

OnnxReader::Value OnnxReader::read_global_average_pool(OnnxNode& node) {
  require_channels_first(node, value(node));
  Value out = add(node, ir::GlobalAveragePool{});
  out.channels_last = false;
  return out;
}

OnnxReader::Value OnnxReader::read_reduce_mean(OnnxNode& node) {
  const Value in = value(node);
  std::vector<std::int64_t> spatial = {2};
  if (in.rank == 4) spatial.push_back(3);
  if (in.channels_last) spatial = {1, 2};
  if (in.rank < 3 || axes(node, 1, in.rank) != spatial) {
    node.fail("only the mean over height and width is read");
  }
  node.require("noop_with_empty_axes", std::int64_t{0}, 0);
  const bool keeps_axes = node.integer("keepdims", 1) != 0;
  Value out = add(node, ir::GlobalAveragePool{});
  out.channels_last = false;
  if (!keeps_axes) out.rank = 2;
  return out;
}

OnnxReader::Value OnnxReader::read_flatten(OnnxNode& node) {
  node.require("axis", std::int64_t{1}, 1);
  Value in = value(node);
  require_channels_first(node, in);
  const ir::Shape& extents = shape(in);
  // Our writers' change of rank between two layers, which is no layer itself.
  const bool is_conversion = node.proto().name().find(':') != std::string::npos;
  if (!is_conversion || extents.height != 1 || extents.width != 1) in = add(node, ir::Flatten{});
  in.rank = 2;
  return in;
}

OnnxReader::Value OnnxReader::read_reshape(OnnxNode& node) {
  node.ignore("allowzero");
  const auto computed = shapes_.find(node.input(1));
  const std::vector<std::int64_t> target =
      computed != shapes_.end() ? computed->second : constants_.integers(node.input(1));
  Value in = value(node);
  require_channels_first(node, in);
  const ir::Shape& extents = shape(in);
  const auto fits = [](std::int64_t wanted, std::int64_t extent) {
    return wanted == extent || wanted == -1;
  };
  const bool keeps_batch = !target.empty() && target[0] >= -1 && target[0] <= 1;
  const bool same = target.size() == 4 && fits(target[1], extents.channels) &&
                    fits(target[2], extents.height) && fits(target[3], extents.width);
  const bool flat =
      (target.size() == 2 || (target.size() == 4 && fits(target[2], 1) && fits(target[3], 1))) &&
      fits(target[1], extents.elements());
  if (!keeps_batch || (!same && !flat)) {
    node.fail("only a Reshape to batch x features or to its own shape is read");
  }
  if (!same && (extents.height != 1 || extents.width != 1)) in = add(node, ir::Flatten{});
  in.rank = static_cast<int>(target.size());
  return in;
}

/// Squeeze and Unsqueeze of a flat value, whose height and width of 1 an ir::Shape always has.
OnnxReader::Value OnnxReader::read_rank_change(OnnxNode& node) {
  Value in = value(node);
  const ir::Shape& extents = shape(in);
  if (extents.height != 1 || extents.width != 1) node.fail("reads a value that is not flat");
  const bool adds = node.proto().op_type() == "Unsqueeze";
  const std::vector<std::int64_t> changed = axes(node, 1, 4);
  if (!std::ranges::all_of(changed, [](std::int64_t axis) { return axis >= 2; })) {
    node.fail("changes other axes than height and width");
  }
  const int count = changed.empty() ? in.rank - 2 : static_cast<int>(changed.size());
  in.rank += adds ? count : -count;
  if (in.rank < 2 || in.rank > 4) node.fail("gives a value of rank {}", in.rank);
  return in;
}

OnnxReader::Value OnnxReader::read_transpose(OnnxNode& node) {
  Value in = value(node);
  const auto order = node.ints("perm").value_or(std::vector<std::int64_t>{});
  const bool to_first = order == std::vector<std::int64_t>{0, 3, 1, 2};
  const bool to_last = order == std::vector<std::int64_t>{0, 2, 3, 1};
  if (in.rank != 4 || in.channels_last != to_first || (!to_first && !to_last)) {
    node.fail("only a Transpose between NCHW and NHWC is read");
  }
  in.channels_last = to_last;
  return in;
}

OnnxReader::Value OnnxReader::read_concat(OnnxNode& node) {
  std::vector<Value> inputs;
  for (int i = 0; i < node.inputs(); ++i) inputs.push_back(value(node, i));
  const int rank = inputs.front().rank;
  const std::int64_t axis = node.integer("axis", 1);
  if ((axis < 0 ? axis + rank : axis) != (inputs.front().channels_last ? rank - 1 : 1)) {
    node.fail("joins along axis {}, not along channels", axis);
  }
  return inputs.size() == 1 ? inputs.front() : add(node, ir::Concat{}, inputs);
}

OnnxReader::Value OnnxReader::read_pad(OnnxNode& node) {
  const Value in = value(node);
  if (node.text("mode", "constant") != "constant") node.fail("pads with other values than 0");
  if (node.has_input(3)) node.fail("pads chosen axes");
  node.require("value", 0.0F, 0.0F);
  if (node.has_input(2) && scalar(node, 2) != 0) node.fail("pads with other values than 0");
  std::vector<std::int64_t> pads = node.ints("pads").value_or(std::vector<std::int64_t>{});
  if (node.has_input(1)) pads = constants_.integers(node.input(1));
  if (in.rank < 3 || std::ssize(pads) != 2 * in.rank) node.fail("has {} pads", pads.size());
  for (const std::int64_t pad : pads) {
    if (pad < 0 || pad > kMaxOnnxExtent) node.fail("pads by {}", pad);
  }
  const std::int64_t* const before = pads.data();
  const std::int64_t* const after = before + in.rank;
  const int first = in.channels_last ? 1 : 2;  // spatial axis
  const int other = in.channels_last ? 3 : 1;
  if (before[0] + after[0] + before[other] + after[other] != 0) {
    node.fail("pads more than height and width");
  }
  const auto side = [](std::int64_t pad) { return static_cast<int>(pad); };
  if (in.rank == 3) return add(node, ir::Pad{{0, side(before[2]), 0, side(after[2])}});
  return add(node, ir::Pad{{side(before[first]), side(before[first + 1]), side(after[first]),
                            side(after[first + 1])}});
}

}  // namespace hwnas::exporters
