#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace hwnas::ir {

/// Extent of one activation, batch excluded. A one-dimensional signal has height 1; after
/// flatten, global pooling and linear layers height = width = 1.
struct Shape {
  int channels = 0;
  int height = 1;
  int width = 1;

  std::int64_t elements() const { return std::int64_t{channels} * height * width; }
  bool operator==(const Shape&) const = default;
};

/// Zero padding in pixels on each side.
struct Padding {
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;
  bool operator==(const Padding&) const = default;
};

/// A window sliding over height and width.
struct Window {
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_height = 1;
  int stride_width = 1;
  Padding padding;
  bool operator==(const Window&) const = default;
};

/// Cross-correlation; groups == input channels == out_channels/multiplier is a depthwise
/// convolution. Weight: out_channels x in_channels/groups x kernel_height x kernel_width.
struct Conv2d {
  int out_channels = 0;
  Window window;
  int dilation_height = 1;
  int dilation_width = 1;
  int groups = 1;
  bool bias = false;
  bool operator==(const Conv2d&) const = default;
};

/// Weight: out_features x in_features. The input must be flat (height = width = 1).
struct Linear {
  int out_features = 0;
  bool bias = true;
  bool operator==(const Linear&) const = default;
};

/// Per channel: weight·(x − running_mean)/√(running_var + epsilon) + bias.
struct BatchNorm {
  float epsilon = 1e-5F;
  bool operator==(const BatchNorm&) const = default;
};

enum class ActivationKind { kRelu, kRelu6, kHardSwish, kHardSigmoid, kSigmoid };
struct Activation {
  ActivationKind kind = ActivationKind::kRelu;
  bool operator==(const Activation&) const = default;
};

/// Sum of two or more inputs of one shape.
struct Add {
  bool operator==(const Add&) const = default;
};
/// Product of two inputs; the second may be channels x 1 x 1 (squeeze-and-excite gate).
struct Mul {
  bool operator==(const Mul&) const = default;
};
/// Along channels; height and width agree.
struct Concat {
  bool operator==(const Concat&) const = default;
};

enum class PoolKind { kMax, kAverage };
/// Average pooling leaves padded pixels out of the count (count_include_pad = false).
struct Pool {
  PoolKind kind = PoolKind::kAverage;
  Window window;
  bool operator==(const Pool&) const = default;
};
/// Mean over height and width; the result is channels x 1 x 1.
struct GlobalAveragePool {
  bool operator==(const GlobalAveragePool&) const = default;
};
/// channels·height·width x 1 x 1, in NCHW order.
struct Flatten {
  bool operator==(const Flatten&) const = default;
};
/// Over channels of a flat input.
struct Softmax {
  bool operator==(const Softmax&) const = default;
};
/// Explicit zero padding.
struct Pad {
  Padding padding;
  bool operator==(const Pad&) const = default;
};
/// All zeros of the input's shape, strided: the `none` edge of a cell (NAS-Bench-201) that must
/// keep its place in the graph. Costs nothing at run time; exporters fold it into a constant.
struct Zero {
  int stride = 1;
  bool operator==(const Zero&) const = default;
};

using Operator = std::variant<Conv2d, Linear, BatchNorm, Activation, Add, Mul, Concat, Pool,
                              GlobalAveragePool, Flatten, Softmax, Pad, Zero>;

/// "conv2d", "linear", "batch_norm", "relu6", …: the name in JSON, reports and messages.
std::string_view operator_name(const Operator& op);

/// Input index that stands for the network's input.
inline constexpr int kNetworkInput = -1;

/// Bits with which the layer is to be deployed; 32 means float.
struct Precision {
  int weight_bits = 8;
  int activation_bits = 8;
  bool operator==(const Precision&) const = default;
};

/// One operator application. `inputs` are indices into Network::layers (or kNetworkInput), all
/// smaller than the layer's own index. Names are unique, [A-Za-z0-9_.]+, and key the weights.
struct Layer {
  std::string name;
  Operator op;
  std::vector<int> inputs;
  Precision precision;
  bool operator==(const Layer&) const = default;
};

/// A feed-forward network as plain data: layers in topological order, one input, and the last
/// layer's output as the only output. No weights. Regular (copyable, comparable).
struct Network {
  Shape input;
  std::vector<Layer> layers;
  bool operator==(const Network&) const = default;
};

/// Output shape of every layer. Throws InvalidArgument naming the layer and the reason: no layers,
/// wrong number of inputs, forward reference, duplicate or malformed name, shapes that do not fit,
/// empty output, extents over 2^24, tensors of more than 2^28 elements, bits outside 1..32.
std::vector<Shape> infer_shapes(const Network& network);

/// Shape of what layer `index` reads as input `position`, given infer_shapes' result.
Shape input_shape(const Network& network, const std::vector<Shape>& shapes, int index,
                  int position = 0);

/// Throws what infer_shapes throws, and if a layer's output is never used (other than the last
/// one's).
void verify(const Network& network);

/// For every layer, the layers that read its output, ascending; one that reads it twice is there
/// twice.
std::vector<std::vector<int>> readers(const Network& network);

/// Multiply-accumulates of one layer: convolutions and linear layers; everything else counts 0, as
/// in the papers' "MACs". `in` is the first input.
std::int64_t macs(const Layer& layer, const Shape& in, const Shape& out);
std::int64_t macs(const Network& network);

/// Trainable parameters: convolution and linear weights and biases, batch norm's weight and bias.
std::int64_t parameters(const Layer& layer, const Shape& in);
std::int64_t parameters(const Network& network);

/// Layers whose outputs reach the network's output, in order, with indices renumbered: what a
/// compiling runtime executes. Terms of an addition that are Zero layers are dropped with the
/// layers; an addition left with one term is that term, one left with none is a Zero itself.
Network remove_dead_layers(const Network& network);

/// 64 bits over everything but layer names; equal networks have equal hashes on every platform and
/// in every version that reads them (a golden test keeps it so).
std::uint64_t stable_hash(const Network& network);
/// The same as 16 lower-case hexadecimal digits.
std::string stable_hash_digits(const Network& network);

/// {"input": [c, h, w], "layers": [{"name", "op", "inputs", …attributes…}]}; defaults are left out.
nlohmann::json to_json(const Network& network);
/// Throws InvalidArgument with the JSON path of what is wrong; the result is verified.
Network network_from_json(const nlohmann::json& json);

}  // namespace hwnas::ir
