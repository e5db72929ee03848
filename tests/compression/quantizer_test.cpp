#include "compression/quantizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "compression/integer_executor.hpp"
#include "core/error.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::compression {
namespace {

Samples random_samples(const ir::Network& network, std::size_t count) {
  return {.count = count, .at = [&network](std::size_t index) {
            return ir::zoo::random_input(network, index + 100);
          }};
}

bool is_quantizable(const ir::Network& network) {
  for (const ir::Layer& layer : ir::remove_dead_layers(network).layers) {
    if (std::holds_alternative<ir::Zero>(layer.op)) return false;
  }
  return true;
}

struct Quantization {
  ir::FoldedNetwork lowered;
  ir::QuantizedNetwork integers;
};

Quantization quantize(const ir::Network& network, const BitWidths& widths = {}) {
  const ir::Weights weights = ir::zoo::random_weights(network, 3);
  Quantization result{.lowered = lowered(network, weights), .integers = {}};
  const ir::NetworkScales plan = plan_scales(result.lowered.network, widths);
  const auto observed = observe(result.lowered, plan, random_samples(network, 20));
  result.integers =
      quantized(result.lowered, calibrated(result.lowered, plan, observed, "min_max"));
  return result;
}

/// Signal to quantization noise of the network's output, in decibels.
double signal_to_noise(const Quantization& quantization, const Samples& samples) {
  const IntegerExecutor executor(quantization.integers);
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < samples.count; ++i) {
    const std::vector<float> input = samples.at(i);
    const auto real =
        ir::run_reference(quantization.lowered.network, quantization.lowered.weights, input);
    const auto simulated =
        ir::dequantize(quantization.integers.layers.back().output,
                       executor.run(ir::quantize(quantization.integers.input_quantization, input)));
    for (std::size_t k = 0; k < real.size(); ++k) {
      signal += real[k] * real[k];
      noise += (real[k] - simulated[k]) * (real[k] - simulated[k]);
    }
  }
  return 10 * std::log10(signal / noise);
}

class EveryNetwork : public testing::TestWithParam<ir::zoo::ZooNetwork> {};

TEST_P(EveryNetwork, LoweredIsTheSameFunction) {
  const ir::Network& network = GetParam().network;
  if (!is_quantizable(network)) GTEST_SKIP() << "has a zero layer";
  const ir::Weights weights = ir::zoo::random_weights(network, 4);
  const ir::FoldedNetwork low = lowered(network, weights);
  const std::vector<float> input = ir::zoo::random_input(network, 5);
  const auto before = ir::run_reference(network, weights, input);
  const auto after = ir::run_reference(low.network, low.weights, input);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(before[i], after[i], 1e-3 * (1 + std::abs(before[i])));
  }
}

TEST_P(EveryNetwork, InEightBitsStaysNearTheFloatOne) {
  if (!is_quantizable(GetParam().network)) GTEST_SKIP() << "has a zero layer";
  const Quantization quantization = quantize(GetParam().network);
  EXPECT_GT(signal_to_noise(quantization, random_samples(GetParam().network, 20)), 20);
}

TEST_P(EveryNetwork, KeepsItsShapeAsAPlainNetwork) {
  if (!is_quantizable(GetParam().network)) GTEST_SKIP() << "has a zero layer";
  const ir::QuantizedNetwork integers = quantize(GetParam().network).integers;
  const ir::Network plain = ir::as_network(integers);
  ir::verify(plain);
  EXPECT_EQ(ir::infer_shapes(plain).back(), ir::infer_shapes(GetParam().network).back());
}

TEST_P(EveryNetwork, IsTheSameAfterATripThroughJson) {
  if (!is_quantizable(GetParam().network)) GTEST_SKIP() << "has a zero layer";
  const ir::QuantizedNetwork integers = quantize(GetParam().network).integers;
  const auto text = ir::to_json(integers).dump();
  EXPECT_EQ(ir::quantized_network_from_json(nlohmann::json::parse(text)), integers);
}

INSTANTIATE_TEST_SUITE_P(Zoo, EveryNetwork, testing::ValuesIn(ir::zoo::networks()),
                         [](const auto& row) { return row.param.name; });

ir::Network two_convolutions() {
  ir::zoo::Builder builder({4, 8, 8});
  builder.add(ir::zoo::conv(8, ir::zoo::square(3)), {ir::kNetworkInput});
  builder.add(ir::BatchNorm{});
  builder.add(ir::Activation{ir::ActivationKind::kRelu});
  builder.add(ir::zoo::conv(6, ir::zoo::square(1)));
  builder.add(ir::BatchNorm{});
  return builder.take();
}

TEST(Quantizer, FusesActivationsIntoTheKernelsBeforeThem) {
  const ir::QuantizedNetwork integers = quantize(two_convolutions()).integers;
  ASSERT_EQ(integers.layers.size(), 2U);
  EXPECT_EQ(integers.layers[0].activation, ir::ActivationKind::kRelu);
  EXPECT_EQ(integers.layers[0].output.zero_point, -128);
  EXPECT_EQ(integers.layers[1].activation, std::nullopt);
}

TEST(Quantizer, FewerBitsLoseMore) {
  const ir::Network network = two_convolutions();
  const Samples samples = random_samples(network, 20);
  double last = 1000;
  for (const ir::WeightFormatInfo& format : ir::weight_formats().first(3)) {
    const double now =
        signal_to_noise(quantize(network, {.default_format = format.format}), samples);
    EXPECT_LT(now, last) << format.name;
    last = now;
  }
  EXPECT_GT(signal_to_noise(quantize(network, {.activation_bits = 16}), samples),
            signal_to_noise(quantize(network), samples));
}

TEST(Quantizer, FormatsOfSingleLayersAreKept) {
  const ir::Network network = two_convolutions();
  const auto integers =
      quantize(network, {.formats = {{network.layers[3].name, ir::WeightFormat::kInt4}}}).integers;
  EXPECT_EQ(integers.layers[0].format, ir::WeightFormat::kInt8);
  EXPECT_EQ(integers.layers[1].format, ir::WeightFormat::kInt4);
  for (const std::int8_t weight : integers.layers[1].weight) EXPECT_LE(std::abs(weight), 7);
}

TEST(Quantizer, ABiasThatDwarfsItsWeightsStillFits) {
  const ir::Network network = two_convolutions();
  ir::FoldedNetwork low = lowered(network, ir::zoo::random_weights(network, 3));
  ir::LayerWeights& first = low.weights.layers.at(low.network.layers[0].name);
  first.weight.values.assign(first.weight.values.size(), 1e-12F);
  first.bias.values.assign(first.bias.values.size(), 5.0F);
  const ir::NetworkScales plan = plan_scales(low.network, {});
  const auto observed = observe(low, plan, random_samples(network, 2));
  const auto integers = quantized(low, calibrated(low, plan, observed, "mse"));
  const float unit = integers.input_quantization.scale * integers.layers[0].weight_scales[0];
  EXPECT_NEAR(static_cast<double>(integers.layers[0].bias[0]) * unit, 5.0, 1e-3);
}

TEST(Quantizer, RefusesToConcatenateASigmoidWithWhatHasARangeOfItsOwn) {
  ir::zoo::Builder builder({4, 4, 4});
  const int conv = builder.add(ir::zoo::conv(4, ir::zoo::square(1)), {ir::kNetworkInput});
  const int gate = builder.add(ir::Activation{ir::ActivationKind::kSigmoid});
  builder.add(ir::Concat{}, {conv, gate});
  const ir::Network network = builder.take();
  EXPECT_THROW(plan_scales(network, {}), Error);
}

TEST(Quantizer, WantsAtLeastOneSample) {
  const ir::Network network = two_convolutions();
  const ir::FoldedNetwork low = lowered(network, ir::zoo::random_weights(network, 3));
  const ir::NetworkScales plan = plan_scales(low.network, {});
  EXPECT_THROW(calibrated(low, plan, observe(low, plan, {}), "mse"), Error);
}

}  // namespace
}  // namespace hwnas::compression
