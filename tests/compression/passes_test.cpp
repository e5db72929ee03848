#include "compression/pass.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::compression {
namespace {

ir::Network small_network() {
  ir::zoo::Builder builder({3, 8, 8});
  builder.add(ir::zoo::conv(8, ir::zoo::square(3)), {ir::kNetworkInput});
  builder.add(ir::BatchNorm{});
  builder.add(ir::Activation{ir::ActivationKind::kRelu});
  builder.add(ir::GlobalAveragePool{});
  builder.add(ir::Linear{.out_features = 4});
  return builder.take();
}

/// A network, and a judge that finds every rounding equally good.
struct Fixture {
  ir::Network network = small_network();
  ir::Weights weights = ir::zoo::random_weights(network, 1);
  estimators::DeviceProfile device =
      estimators::load_device(HWNAS_SOURCE_DIR "/configs/devices/stm32f746.yaml");
  double accuracy = 90;

  PassContext context() {
    return {
        .calibration = {.count = 8,
                        .at = [this](std::size_t i) { return ir::zoo::random_input(network, i); }},
        .accuracy = [this](const ir::QuantizedNetwork&) { return accuracy; },
        .float_accuracy = 91,
        .device = &device,
        .runtime = &device.runtime("tflite_micro"),
        .limits = {}};
  }

  Compression run(const std::string& yaml) {
    std::vector<std::unique_ptr<CompressionPass>> list;
    list.push_back(make_pass(Config::parse(yaml, "test.yaml")));
    return compress(network, weights, list, context());
  }
};

TEST(Compress, AcceptsAPassThatKeepsTheAccuracyFloor) {
  Fixture fixture;
  const Compression result = fixture.run("{ pass: quantize, accuracy_drop: 1 }");
  ASSERT_TRUE(result.model.integers);
  EXPECT_TRUE(result.reports.front().accepted);
  EXPECT_EQ(result.reports.front().accuracy_after, 90);
  EXPECT_EQ(result.model.accuracy, 90);
}

TEST(Compress, RollsBackAPassThatLosesMore) {
  Fixture fixture;
  const Compression result = fixture.run("{ pass: quantize, accuracy_drop: 0.5 }");
  EXPECT_FALSE(result.model.integers);
  EXPECT_FALSE(result.reports.front().accepted);
  EXPECT_THAT(result.reports.front().summary, testing::HasSubstr("rolled back"));
  EXPECT_EQ(result.model.accuracy, 91);
}

TEST(Compress, ReportsEveryLayerWithWeightsAndWhatItCosts) {
  Fixture fixture;
  const Compression result = fixture.run("{ pass: quantize, weights: int4 }");
  const auto& layers = result.reports.front().layers;
  ASSERT_EQ(layers.size(), 2U);
  EXPECT_EQ(layers[0].format, "int4");
  EXPECT_EQ(layers[0].flash_bytes, 8 * 3 * 9 / 2 + 8 * 8);
  EXPECT_GT(layers[0].latency_ms, 0);
}

TEST(Compress, KeepsATrainingOnlyIfItIsBetter) {
  Fixture fixture;
  int trainings = 0;
  for (const bool better : {false, true}) {
    PassContext context = fixture.context();
    int evaluations = 0;
    context.accuracy = [&](const ir::QuantizedNetwork&) {
      ++evaluations;
      return evaluations == 1 ? 90.0 : better ? 90.5 : 89.5;
    };
    context.fine_tune = [&](const ir::FoldedNetwork& network, const ir::NetworkScales& scales,
                            const FineTuneOptions& options) -> std::optional<FineTuned> {
      ++trainings;
      EXPECT_EQ(options.epochs, 2);
      return FineTuned{network.weights, scales};
    };
    std::vector<std::unique_ptr<CompressionPass>> list;
    list.push_back(
        make_pass(Config::parse("{ pass: quantize, calibrators: mse, epochs: 2 }", "test.yaml")));
    const Compression result = compress(fixture.network, fixture.weights, list, context);
    EXPECT_EQ(result.model.accuracy, better ? 90.5 : 90);
  }
  EXPECT_EQ(trainings, 2);
}

TEST(Passes, RefuseUnknownNamesKeysAndValues) {
  for (const char* const text :
       {"{ pass: quantise }", "{ pass: quantize, bits: 8 }", "{ pass: quantize, weights: int3 }",
        "{ pass: quantize, calibrators: [] }", "{ pass: quantize, activation_bits: 12 }",
        "{ pass: quantize, accuracy_drop: -1 }"}) {
    EXPECT_THROW(make_pass(Config::parse(text, "test.yaml")), Error) << text;
  }
}

}  // namespace
}  // namespace hwnas::compression
