#include <algorithm>
#include <array>
#include <cassert>
#include <functional>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "ir/network.hpp"
#include "ir/overloaded.hpp"

namespace hwnas::ir {

namespace {

// Together they bound the multiply-accumulates of a layer by 2^56, so that no 64-bit product of
// extents overflows.
constexpr std::int64_t kMaxExtent = std::int64_t{1} << 24;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;

/// Product of extents of at most 2^24 each, or kMaxElements + 1 when it is larger than the limit.
std::int64_t bounded_product(std::initializer_list<std::int64_t> extents) {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents) {
    product = std::min(product * extent, kMaxElements + 1);
  }
  return product;
}

std::string text(const Shape& shape) {
  return fmt::format("{}x{}x{}", shape.channels, shape.height, shape.width);
}

/// The shape rules of one layer; every refusal names the layer.
class ShapeRule {
 public:
  ShapeRule(const Layer& layer, const std::vector<Shape>& inputs)
      : layer_(layer), inputs_(inputs) {}

  Shape apply() const {
    const Shape out = std::visit([this](const auto& op) { return shape_of(op); }, layer_.op);
    require_extent("output channels", out.channels, 1);
    require_extent("output height", out.height, 1);
    require_extent("output width", out.width, 1);
    require_elements("output", {out.channels, out.height, out.width});
    return out;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw invalid_argument("layer '{}' ({}): {}", layer_.name, operator_name(layer_.op),
                           fmt::format(format, std::forward<Args>(args)...));
  }

  void require_extent(std::string_view what, std::int64_t value, std::int64_t min) const {
    if (value < min || value > kMaxExtent) {
      fail("{} is {}, but must be {}..{}", what, value, min, kMaxExtent);
    }
  }

  void require_elements(std::string_view what, std::initializer_list<std::int64_t> extents) const {
    if (bounded_product(extents) > kMaxElements) {
      fail("{} would have more than {} elements", what, kMaxElements);
    }
  }

  const Shape& only_input() const {
    require_inputs(1, 1);
    return inputs_.front();
  }

  void require_inputs(std::size_t min, std::size_t max) const {
    if (inputs_.size() < min || inputs_.size() > max) {
      fail("has {} inputs, but takes {}", inputs_.size(),
           min == max ? fmt::format("{}", min) : fmt::format("{} or more", min));
    }
  }

  Shape flat_input() const {
    const Shape in = only_input();
    if (in.height != 1 || in.width != 1) {
      fail("reads {}, but its input must be flat (height = width = 1)", text(in));
    }
    return in;
  }

  void require_padding(const Padding& padding) const {
    require_extent("top padding", padding.top, 0);
    require_extent("left padding", padding.left, 0);
    require_extent("bottom padding", padding.bottom, 0);
    require_extent("right padding", padding.right, 0);
  }

  void require_window(const Window& window) const {
    require_extent("kernel height", window.kernel_height, 1);
    require_extent("kernel width", window.kernel_width, 1);
    require_extent("vertical stride", window.stride_height, 1);
    require_extent("horizontal stride", window.stride_width, 1);
    require_padding(window.padding);
  }

  int slide(std::string_view axis, std::int64_t padded, std::int64_t kernel, std::int64_t stride,
            std::int64_t dilation) const {
    const std::int64_t reach = dilation * (kernel - 1) + 1;
    if (padded < reach) {
      fail("its window of {} does not fit into the padded {} of {}", reach, axis, padded);
    }
    const std::int64_t extent = (padded - reach) / stride + 1;
    require_extent(axis, extent, 1);
    return static_cast<int>(extent);
  }

  Shape slide(const Shape& in, int channels, const Window& window, int dilation_height,
              int dilation_width) const {
    const auto& [top, left, bottom, right] = window.padding;
    return {.channels = channels,
            .height = slide("height", std::int64_t{in.height} + top + bottom, window.kernel_height,
                            window.stride_height, dilation_height),
            .width = slide("width", std::int64_t{in.width} + left + right, window.kernel_width,
                           window.stride_width, dilation_width)};
  }

  Shape shape_of(const Conv2d& conv) const {
    const Shape in = only_input();
    require_window(conv.window);
    require_extent("output channels", conv.out_channels, 1);
    require_extent("vertical dilation", conv.dilation_height, 1);
    require_extent("horizontal dilation", conv.dilation_width, 1);
    require_extent("groups", conv.groups, 1);
    if (in.channels % conv.groups != 0 || conv.out_channels % conv.groups != 0) {
      fail("its {} groups divide not both {} input and {} output channels", conv.groups,
           in.channels, conv.out_channels);
    }
    require_elements("weight", {conv.out_channels, in.channels / conv.groups,
                                conv.window.kernel_height, conv.window.kernel_width});
    return slide(in, conv.out_channels, conv.window, conv.dilation_height, conv.dilation_width);
  }

  Shape shape_of(const Linear& linear) const {
    const Shape in = flat_input();
    require_extent("output features", linear.out_features, 1);
    require_elements("weight", {linear.out_features, in.channels});
    return {.channels = linear.out_features};
  }

  Shape shape_of(const BatchNorm& norm) const {
    if (!(norm.epsilon > 0 && norm.epsilon <= 1)) {
      fail("epsilon is {}, but must be in (0, 1]", norm.epsilon);
    }
    return only_input();
  }

  Shape shape_of(const Activation&) const { return only_input(); }

  Shape shape_of(const Add&) const {
    require_inputs(2, inputs_.max_size());
    for (const Shape& in : inputs_) {
      if (in != inputs_.front()) {
        fail("cannot add {} to {}: the shapes must be equal", text(in), text(inputs_.front()));
      }
    }
    return inputs_.front();
  }

  Shape shape_of(const Mul&) const {
    require_inputs(2, 2);
    const Shape &in = inputs_[0], gate = inputs_[1];
    if (gate != in && gate != Shape{.channels = in.channels}) {
      fail("cannot multiply {} by {}: the second must be equal or {}x1x1", text(in), text(gate),
           in.channels);
    }
    return in;
  }

  Shape shape_of(const Concat&) const {
    require_inputs(2, inputs_.max_size());
    std::int64_t channels = 0;
    for (const Shape& in : inputs_) {
      if (in.height != inputs_.front().height || in.width != inputs_.front().width) {
        fail("cannot join {} to {}: height and width must agree", text(in), text(inputs_.front()));
      }
      channels += in.channels;
      require_extent("output channels", channels, 1);
    }
    return {static_cast<int>(channels), inputs_.front().height, inputs_.front().width};
  }

  Shape shape_of(const Pool& pool) const {
    const Shape in = only_input();
    require_window(pool.window);
    const auto& [top, left, bottom, right] = pool.window.padding;
    if (std::max(top, bottom) >= pool.window.kernel_height ||
        std::max(left, right) >= pool.window.kernel_width) {
      fail("its padding is not smaller than its kernel, so a window could hold no pixel");
    }
    return slide(in, in.channels, pool.window, 1, 1);
  }

  Shape shape_of(const GlobalAveragePool&) const { return {.channels = only_input().channels}; }

  Shape shape_of(const Flatten&) const {
    const std::int64_t elements = only_input().elements();
    require_extent("output channels", elements, 1);
    return {.channels = static_cast<int>(elements)};
  }

  Shape shape_of(const Softmax&) const { return flat_input(); }

  Shape shape_of(const Pad& pad) const {
    const Shape in = only_input();
    require_padding(pad.padding);
    return slide(in, in.channels, {.padding = pad.padding}, 1, 1);
  }

  Shape shape_of(const Zero& zero) const {
    const Shape in = only_input();
    require_extent("stride", zero.stride, 1);
    Window window;
    window.stride_height = window.stride_width = zero.stride;
    return slide(in, in.channels, window, 1, 1);
  }

  const Layer& layer_;
  const std::vector<Shape>& inputs_;
};

/// By a table: names are checked whenever a cost model looks at a network.
bool is_layer_name(std::string_view name) {
  static constexpr std::array<bool, 256> kAllowed = [] {
    std::array<bool, 256> allowed{};
    for (const char c :
         std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.")) {
      allowed[static_cast<unsigned char>(c)] = true;
    }
    return allowed;
  }();
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return kAllowed[static_cast<unsigned char>(c)]; });
}

/// Sorted hashes, because a set would take most of the time of infer_shapes.
void require_distinct_names(const std::vector<Layer>& layers) {
  std::vector<std::pair<std::size_t, std::size_t>> hashes;
  hashes.reserve(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    hashes.emplace_back(std::hash<std::string_view>{}(layers[i].name), i);
  }
  std::ranges::sort(hashes);
  for (std::size_t i = 1; i < hashes.size(); ++i) {
    for (std::size_t k = i; k-- > 0 && hashes[k].first == hashes[i].first;) {
      const Layer& layer = layers[hashes[i].second];
      if (layer.name != layers[hashes[k].second].name) continue;
      throw invalid_argument("layer '{}' ({}): the name is taken by an earlier layer", layer.name,
                             operator_name(layer.op));
    }
  }
}

void require_bits(const Layer& layer, std::string_view what, int bits) {
  if (bits < 1 || bits > 32) {
    throw invalid_argument("layer '{}': {} is {}, but must be 1..32", layer.name, what, bits);
  }
}

void require_input_shape(const Shape& shape) {
  for (const int extent : {shape.channels, shape.height, shape.width}) {
    if (extent < 1 || extent > kMaxExtent) {
      throw invalid_argument("network input {}: extents must be 1..{}", text(shape), kMaxExtent);
    }
  }
  if (bounded_product({shape.channels, shape.height, shape.width}) > kMaxElements) {
    throw invalid_argument("network input {}: more than {} elements", text(shape), kMaxElements);
  }
}

}  // namespace

std::vector<Shape> infer_shapes(const Network& network) {
  require_input_shape(network.input);
  if (network.layers.empty()) throw invalid_argument("network without layers");
  std::vector<Shape> shapes;
  shapes.reserve(network.layers.size());
  std::vector<Shape> inputs;
  for (const Layer& layer : network.layers) {
    if (!is_layer_name(layer.name)) {
      throw invalid_argument("layer {} is named '{}', but names are of A-Z a-z 0-9 _ .",
                             shapes.size(), layer.name);
    }
    require_bits(layer, "weight_bits", layer.precision.weight_bits);
    require_bits(layer, "activation_bits", layer.precision.activation_bits);
    inputs.clear();
    for (const int input : layer.inputs) {
      if (input < kNetworkInput || input >= static_cast<int>(shapes.size())) {
        throw invalid_argument(
            "layer '{}' ({}): reads layer {}, but stands at {} and may read only "
            "earlier ones or the network's input ({})",
            layer.name, operator_name(layer.op), input, shapes.size(), kNetworkInput);
      }
      inputs.push_back(input == kNetworkInput ? network.input : shapes[input]);
    }
    shapes.push_back(ShapeRule(layer, inputs).apply());
  }
  require_distinct_names(network.layers);
  return shapes;
}

Shape input_shape(const Network& network, const std::vector<Shape>& shapes, int index,
                  int position) {
  assert(index >= 0 && index < static_cast<int>(network.layers.size()));
  const Layer& layer = network.layers[index];
  assert(position >= 0 && position < static_cast<int>(layer.inputs.size()));
  const int input = layer.inputs[position];
  return input == kNetworkInput ? network.input : shapes[input];
}

void verify(const Network& network) {
  infer_shapes(network);
  std::vector<bool> used(network.layers.size());
  used.back() = true;
  for (const Layer& layer : network.layers) {
    for (const int input : layer.inputs) {
      if (input != kNetworkInput) used[input] = true;
    }
  }
  const auto unused = std::find(used.begin(), used.end(), false);
  if (unused != used.end()) {
    const Layer& layer = network.layers[unused - used.begin()];
    throw invalid_argument("layer '{}' ({}): its output is never used", layer.name,
                           operator_name(layer.op));
  }
}

}  // namespace hwnas::ir
