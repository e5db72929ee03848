#include "compression/integer_executor.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace hwnas::compression {
namespace {

constexpr ir::Quantization kInput{.scale = 0.05F, .zero_point = 3};

/// One layer reading the input.
ir::QuantizedNetwork single(const ir::Shape& input, ir::Operator op, ir::Quantization output) {
  return {.input = input,
          .input_quantization = kInput,
          .layers = {{.name = "layer", .op = op, .inputs = {ir::kNetworkInput}, .output = output}}};
}

ir::QuantizedNetwork convolution(const ir::Shape& input, const ir::Conv2d& conv, Rng& rng) {
  ir::QuantizedNetwork network = single(input, conv, {.scale = 0.11F, .zero_point = -7});
  ir::QuantizedLayer& layer = network.layers.front();
  const std::size_t count = static_cast<std::size_t>(conv.out_channels) * input.channels /
                            conv.groups * conv.window.kernel_height * conv.window.kernel_width;
  for (std::size_t i = 0; i < count; ++i) {
    layer.weight.push_back(static_cast<std::int8_t>(static_cast<int>(rng.index(255)) - 127));
  }
  for (int channel = 0; channel < conv.out_channels; ++channel) {
    layer.weight_scales.push_back(0.001F + 0.004F * static_cast<float>(rng.uniform()));
    layer.bias.push_back(static_cast<std::int64_t>(rng.index(2001)) - 1000);
  }
  return network;
}

std::vector<std::int32_t> random_input(const ir::QuantizedNetwork& network, Rng& rng) {
  std::vector<std::int32_t> values(network.input.elements());
  for (std::int32_t& value : values) value = static_cast<std::int32_t>(rng.index(256)) - 128;
  return values;
}

/// The sum that a convolution's output stands for, in exact arithmetic, by the definition.
double exact_output(const ir::QuantizedNetwork& network, const std::vector<std::int32_t>& input,
                    int channel, int y, int x) {
  const ir::QuantizedLayer& layer = network.layers.front();
  const auto& conv = std::get<ir::Conv2d>(layer.op);
  const int depth = network.input.channels / conv.groups;
  const int first = channel / (conv.out_channels / conv.groups) * depth;
  std::int64_t sum = layer.bias[channel];
  for (int i = 0; i < depth; ++i) {
    for (int ky = 0; ky < conv.window.kernel_height; ++ky) {
      for (int kx = 0; kx < conv.window.kernel_width; ++kx) {
        const int iy =
            y * conv.window.stride_height - conv.window.padding.top + ky * conv.dilation_height;
        const int ix =
            x * conv.window.stride_width - conv.window.padding.left + kx * conv.dilation_width;
        if (iy < 0 || ix < 0 || iy >= network.input.height || ix >= network.input.width) continue;
        const int q = input[((first + i) * network.input.height + iy) * network.input.width + ix];
        const int w = layer.weight[((channel * depth + i) * conv.window.kernel_height + ky) *
                                       conv.window.kernel_width +
                                   kx];
        sum += std::int64_t{w} * (q - kInput.zero_point);
      }
    }
  }
  return static_cast<double>(sum) * kInput.scale * layer.weight_scales[channel] /
             layer.output.scale +
         layer.output.zero_point;
}

struct ConvCase {
  const char* name;
  ir::Shape input;
  ir::Conv2d conv;
};

class EveryConvolution : public testing::TestWithParam<ConvCase> {};

TEST_P(EveryConvolution, IsTheExactSumRoundedToANeighbour) {
  Rng rng(5);
  const ir::QuantizedNetwork network = convolution(GetParam().input, GetParam().conv, rng);
  const ir::Shape out = ir::infer_shapes(network).back();
  const std::vector<std::int32_t> input = random_input(network, rng);
  for (const auto mode : {ir::Requantization::kTflDouble, ir::Requantization::kTflSingle,
                          ir::Requantization::kFloatRne}) {
    const std::vector<std::int32_t> output =
        IntegerExecutor(network, {.requantization = mode}).run(input);
    ASSERT_EQ(std::ssize(output), out.elements());
    std::size_t i = 0;
    for (int c = 0; c < out.channels; ++c) {
      for (int y = 0; y < out.height; ++y) {
        for (int x = 0; x < out.width; ++x, ++i) {
          const double exact = std::clamp(exact_output(network, input, c, y, x), -128.0, 127.0);
          EXPECT_NEAR(output[i], exact, 0.76) << ir::to_string(mode) << " " << c << " " << y;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryConvolution,
    testing::Values(
        ConvCase{"pointwise", {13, 5, 4}, {.out_channels = 7, .window = {}}},
        ConvCase{"padded_and_strided",
                 {3, 9, 8},
                 {.out_channels = 6, .window = {3, 3, 2, 2, {0, 0, 1, 1}}}},
        ConvCase{"dilated",
                 {2, 9, 9},
                 {.out_channels = 5,
                  .window = {3, 3, 1, 1, {2, 2, 2, 2}},
                  .dilation_height = 2,
                  .dilation_width = 2}},
        ConvCase{"grouped",
                 {6, 4, 4},
                 {.out_channels = 9, .window = {1, 3, 1, 1, {0, 1, 0, 1}}, .groups = 3}},
        ConvCase{"depthwise",
                 {10, 6, 6},
                 {.out_channels = 10, .window = {5, 5, 1, 1, {2, 2, 2, 2}}, .groups = 10}},
        ConvCase{"depthwise_with_multiplier",
                 {4, 5, 5},
                 {.out_channels = 8, .window = {3, 3, 1, 1, {1, 1, 1, 1}}, .groups = 4}}),
    [](const auto& row) { return row.param.name; });

TEST(IntegerExecutor, SaturatingPairsEqualTheExactSumsWhereWeightsHaveSevenBits) {
  Rng rng(6);
  ir::QuantizedNetwork network =
      convolution({9, 4, 4}, {.out_channels = 5, .window = {3, 3, 1, 1, {1, 1, 1, 1}}}, rng);
  const std::vector<std::int32_t> input = random_input(network, rng);
  const ir::Arithmetic plain{.requantization = ir::Requantization::kFloatRne};
  const ir::Arithmetic saturating{.requantization = ir::Requantization::kFloatRne,
                                  .u8s8_saturates = true};
  EXPECT_NE(IntegerExecutor(network, plain).run(input),
            IntegerExecutor(network, saturating).run(input));
  for (std::int8_t& weight : network.layers.front().weight) weight /= 2;
  EXPECT_EQ(IntegerExecutor(network, plain).run(input),
            IntegerExecutor(network, saturating).run(input));
}

TEST(IntegerExecutor, TruncationIsTheFloorOfPositiveSums) {
  Rng rng(7);
  const ir::QuantizedNetwork network =
      convolution({4, 3, 3}, {.out_channels = 4, .window = {}}, rng);
  const std::vector<std::int32_t> input = random_input(network, rng);
  const auto output =
      IntegerExecutor(network, {.requantization = ir::Requantization::kFloatTrunc}).run(input);
  const double exact = exact_output(network, input, 0, 0, 0) + 7;
  EXPECT_EQ(output[0] + 7, static_cast<int>(std::clamp(exact, -121.0, 134.0)));
}

TEST(IntegerExecutor, AveragesRoundHalvesAwayFromZeroAndLeavePaddingOut) {
  const ir::QuantizedNetwork network =
      single({1, 2, 3}, ir::Pool{ir::PoolKind::kAverage, {2, 2, 1, 2, {0, 0, 0, 1}}}, kInput);
  EXPECT_EQ(IntegerExecutor(network).run(std::vector<std::int32_t>{1, 2, -3, 4, 3, -4}),
            (std::vector<std::int32_t>{3, -4}));
}

TEST(IntegerExecutor, AveragesOfTheFloatModesRoundTheStoredValueToEven) {
  ir::QuantizedNetwork network =
      single({1, 1, 2}, ir::Pool{ir::PoolKind::kAverage, {1, 2, 1, 2, {}}}, {});
  // Stored as uint8 the zero point is 117, and the mean 117.5.
  network.input_quantization = {.scale = 0.5F, .zero_point = -11};
  network.layers.front().output = network.input_quantization;
  const IntegerExecutor rounded(network, {.requantization = ir::Requantization::kFloatRne});
  EXPECT_EQ(rounded.run(std::vector<std::int32_t>{-11, -10}), std::vector<std::int32_t>{-10});
  EXPECT_EQ(rounded.run(std::vector<std::int32_t>{-12, -11}), std::vector<std::int32_t>{-12});
}

TEST(IntegerExecutor, AdditionsAndProductsAreWithinOneOfTheExactOnes) {
  Rng rng(8);
  for (const bool product : {false, true}) {
    for (const auto mode : {ir::Requantization::kTflDouble, ir::Requantization::kFloatRne}) {
      ir::QuantizedNetwork network = single({3, 2, 2}, ir::Flatten{}, kInput);
      const ir::Operator op = product ? ir::Operator(ir::Mul{}) : ir::Operator(ir::Add{});
      network.layers.push_back({.name = "both",
                                .op = op,
                                .inputs = {0, 0},
                                .activation = ir::ActivationKind::kRelu,
                                .output = {.scale = product ? 0.3F : 0.1F, .zero_point = -20}});
      const std::vector<std::int32_t> input = random_input(network, rng);
      const std::vector<float> real = ir::dequantize(kInput, input);
      const std::vector<std::int32_t> output =
          IntegerExecutor(network, {.requantization = mode}).run(input);
      for (std::size_t i = 0; i < output.size(); ++i) {
        const double exact = product ? real[i] * real[i] : 2 * real[i];
        const double q = std::clamp(exact / network.layers[1].output.scale - 20, -20.0, 127.0);
        EXPECT_NEAR(output[i], q, 0.76);
      }
    }
  }
}

struct FunctionCase {
  ir::ActivationKind kind;
  double (*function)(double);
  double tolerance;  ///< in units of the output
};

class EveryFunction : public testing::TestWithParam<FunctionCase> {};

TEST_P(EveryFunction, FollowsTheFunctionInFixedPointAndInFloat) {
  const auto& [kind, function, tolerance] = GetParam();
  const bool unit =
      kind == ir::ActivationKind::kSigmoid || kind == ir::ActivationKind::kHardSigmoid;
  const ir::Quantization output =
      unit ? ir::kUnitRange : ir::Quantization{.scale = 0.03F, .zero_point = -100};
  const ir::QuantizedNetwork network = single({256, 1, 1}, ir::Activation{kind}, output);
  std::vector<std::int32_t> input(256);
  for (int i = 0; i < 256; ++i) input[i] = i - 128;
  for (const auto mode : {ir::Requantization::kTflDouble, ir::Requantization::kFloatRne}) {
    const auto values = IntegerExecutor(network, {.requantization = mode}).run(input);
    for (int i = 0; i < 256; ++i) {
      const double real = function(static_cast<double>(kInput.scale) * (input[i] - 3));
      const double q = std::clamp(real / output.scale + output.zero_point, -128.0, 127.0);
      EXPECT_NEAR(values[i], q, mode == ir::Requantization::kFloatRne ? 0.51 : tolerance) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, EveryFunction,
    testing::Values(
        FunctionCase{ir::ActivationKind::kRelu, [](double x) { return std::max(x, 0.0); }, 0.76},
        FunctionCase{ir::ActivationKind::kRelu6, [](double x) { return std::clamp(x, 0.0, 6.0); },
                     0.76},
        FunctionCase{ir::ActivationKind::kSigmoid, [](double x) { return 1 / (1 + std::exp(-x)); },
                     0.6},
        FunctionCase{ir::ActivationKind::kHardSigmoid,
                     [](double x) { return std::clamp(x / 6 + 0.5, 0.0, 1.0); }, 0.51},
        FunctionCase{ir::ActivationKind::kHardSwish,
                     [](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); }, 1.1}),
    [](const auto& row) { return std::string(ir::operator_name(ir::Activation{row.param.kind})); });

TEST(IntegerExecutor, SoftmaxIsWithinAUnitOfTheFloatOne) {
  Rng rng(9);
  const ir::QuantizedNetwork network = single({10, 1, 1}, ir::Softmax{}, ir::kUnitRange);
  for (int round = 0; round < 50; ++round) {
    const std::vector<std::int32_t> input = random_input(network, rng);
    const auto fixed = IntegerExecutor(network).run(input);
    const auto real =
        IntegerExecutor(network, {.requantization = ir::Requantization::kFloatRne}).run(input);
    for (std::size_t i = 0; i < fixed.size(); ++i) EXPECT_NEAR(fixed[i], real[i], 1);
  }
}

TEST(IntegerExecutor, RefusesInputsOfTheWrongSizeOrRange) {
  const IntegerExecutor executor(single({2, 1, 1}, ir::Flatten{}, kInput));
  EXPECT_THROW(executor.run(std::vector<std::int32_t>{1}), Error);
  EXPECT_THROW(executor.run(std::vector<std::int32_t>{1, 128}), Error);
}

}  // namespace
}  // namespace hwnas::compression
