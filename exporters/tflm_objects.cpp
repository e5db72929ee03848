#include "exporters/tflm_objects.hpp"

#include <algorithm>
#include <span>

#include "exporters/tflm_operands.hpp"

namespace hwnas::exporters::tflm {

namespace {

/// Objects of one operator type. Parsed options (tensorflow/lite/micro/…/builtin_op_data.h) with
/// 64-bit pointers and on Cortex-M, where GCC's enums are short; a kernel's own data (OpData of
/// tensorflow/lite/micro/kernels) of reference kernels there and there, and of the CMSIS-NN build.
/// They were read off the structures and hold to 16 bytes against the tflm_arena measurements;
/// those of concatenation, comparisons, TANH, IF, WHILE and CALL_ONCE, which these have not, rest
/// on the structures alone.
struct KernelObjects {
  Code code;
  std::int64_t options[2];
  std::int64_t alignment[2];
  std::int64_t data[3];
};
constexpr KernelObjects kObjects[] = {
    {Code::ADD, {8, 2}, {4, 1}, {60, 60, 60}},
    {Code::AVERAGE_POOL_2D, {40, 40}, {4, 4}, {32, 32, 36}},
    {Code::CALL_ONCE, {4, 4}, {4, 4}, {8, 8, 8}},
    {Code::CONCATENATION, {8, 8}, {4, 4}, {40, 24, 24}},
    {Code::CONV_2D, {28, 28}, {4, 4}, {72, 56, 60}},
    {Code::DEPTHWISE_CONV_2D, {28, 28}, {4, 4}, {72, 56, 60}},
    {Code::DEQUANTIZE, {0, 0}, {1, 1}, {32, 32, 32}},
    {Code::EQUAL, {0, 0}, {1, 1}, {32, 32, 32}},
    {Code::FULLY_CONNECTED, {16, 5}, {4, 1}, {64, 48, 72}},
    {Code::GREATER, {0, 0}, {1, 1}, {32, 32, 32}},
    {Code::GREATER_EQUAL, {0, 0}, {1, 1}, {32, 32, 32}},
    {Code::HARD_SWISH, {0, 0}, {1, 1}, {20, 20, 20}},
    {Code::IF, {8, 8}, {4, 4}, {8, 8, 8}},
    {Code::LEAKY_RELU, {4, 4}, {4, 4}, {24, 24, 24}},
    {Code::LESS, {0, 0}, {1, 1}, {32, 32, 32}},
    {Code::LESS_EQUAL, {0, 0}, {1, 1}, {32, 32, 32}},
    {Code::LOGISTIC, {0, 0}, {1, 1}, {16, 16, 16}},
    {Code::MAX_POOL_2D, {40, 40}, {4, 4}, {32, 32, 36}},
    {Code::MUL, {4, 1}, {4, 1}, {36, 36, 36}},
    {Code::NOT_EQUAL, {0, 0}, {1, 1}, {32, 32, 32}},
    {Code::PAD, {0, 0}, {1, 1}, {56, 56, 56}},
    {Code::PADV2, {0, 0}, {1, 1}, {56, 56, 56}},
    {Code::QUANTIZE, {0, 0}, {1, 1}, {32, 32, 32}},
    {Code::RELU, {0, 0}, {1, 1}, {28, 28, 28}},
    {Code::RELU6, {0, 0}, {1, 1}, {8, 8, 8}},
    {Code::RESHAPE, {36, 36}, {4, 4}, {0, 0, 0}},
    {Code::SOFTMAX, {4, 4}, {4, 4}, {80, 56, 56}},
    {Code::STRIDED_SLICE, {24, 24}, {4, 4}, {84, 84, 84}},
    {Code::SUB, {8, 2}, {4, 1}, {52, 52, 52}},
    {Code::SVDF, {12, 8}, {4, 4}, {36, 36, 40}},
    {Code::TANH, {0, 0}, {1, 1}, {16, 16, 16}},
    {Code::TRANSPOSE_CONV, {20, 16}, {4, 4}, {80, 72, 76}},
    {Code::UNIDIRECTIONAL_SEQUENCE_LSTM, {16, 16}, {4, 4}, {688, 688, 912}},
    {Code::WHILE, {8, 8}, {4, 4}, {8, 8, 8}},
};

const KernelObjects& objects_of(Code code) {
  const auto found = std::ranges::find(kObjects, code, &KernelObjects::code);
  if (found == std::end(kObjects)) {
    throw invalid_argument("its type {} is none whose memory is known", static_cast<int>(code));
  }
  return *found;
}

/// A multiplier and a shift for each channel.
std::vector<std::int64_t> channel_arrays(std::int64_t channels) {
  return {4 * channels, 4 * channels};
}

std::vector<std::int64_t> convolution_arrays(const Operands& operands, int axis, TflmBuild build) {
  // CMSIS-NN's kernels leave them out for floats, the reference kernels do not.
  if (is_cmsis(build) && operands.input(0).type == Type::kFloat32) return {};
  return channel_arrays(operands.input(1, 4).dims[axis]);
}

/// CMSIS-NN adds up the weights of the four gates, each for the input and the hidden state.
std::vector<std::int64_t> lstm_arrays(const Operands& operands, TflmBuild build) {
  constexpr std::size_t kHiddenState = 18;
  const Type type = operands.input(0).type;
  if (!is_cmsis(build) || type == Type::kFloat32) return {};
  const std::int64_t bias_bytes = type == Type::kInt16 ? 8 : 4;
  return std::vector<std::int64_t>(8, operands.input(kHiddenState, 2).dims[1] * bias_bytes);
}

}  // namespace

const TargetObjects& target_objects(TflmBuild build) {
  static constexpr TargetObjects kHost = {248, 8, 64, 24, 64, 24, 16, 32};
  static constexpr TargetObjects kCortexM = {132, 4, 32, 12, 32, 12, 12, 24};
  return build == TflmBuild::kHostReference ? kHost : kCortexM;
}

Options parsed_options(Code code, TflmBuild build) {
  const int target = build == TflmBuild::kHostReference ? 0 : 1;
  const KernelObjects& objects = objects_of(code);
  return {objects.options[target], objects.alignment[target]};
}

std::int64_t kernel_data(Code code, TflmBuild build) {
  const int column = is_cmsis(build) ? 2 : build == TflmBuild::kCortexMReference ? 1 : 0;
  return objects_of(code).data[column];
}

std::vector<std::int64_t> kernel_arrays(const Graph& graph, const Node& node, TflmBuild build) {
  const Operands operands(graph, node);
  switch (node.code) {
    case Code::CONV_2D:
      return convolution_arrays(operands, 0, build);
    case Code::DEPTHWISE_CONV_2D:
      return convolution_arrays(operands, 3, build);
    case Code::TRANSPOSE_CONV:
      return channel_arrays(operands.input(1, 4).dims[0]);
    case Code::FULLY_CONNECTED:
      if (operands.input(0).type == Type::kFloat32 || operands.input(1).scales <= 1) return {};
      return channel_arrays(operands.input(1, 2).dims[0]);
    case Code::SVDF:
      if (build != TflmBuild::kCortexM55CmsisNn || operands.input(0).type != Type::kInt8) return {};
      return {4 * std::int64_t{operands.input(1, 2).dims[0]}};  // sums of the weights
    case Code::UNIDIRECTIONAL_SEQUENCE_LSTM:
      return lstm_arrays(operands, build);
    default:
      return {};
  }
}

}  // namespace hwnas::exporters::tflm
