#include "estimators/firmware_bytes.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "device_files.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

RuntimeProfile with_code() {
  RuntimeProfile runtime;
  runtime.code = CodeSizes{.base = 1000,
                           .by_operator = {{"conv", 300}, {"add", 100}},
                           .per_convolution_channel = 10,
                           .sd = 30,
                           .source = "a test"};
  return runtime;
}

int conv1x1(testing::Builder& net, int from, int channels) {
  ir::Conv2d conv;
  conv.out_channels = channels;
  return net.add(conv, {from});
}

TEST(FirmwareBytes, CountsAKindOfOperatorOnceAndChannelsEachTime) {
  testing::Builder net({4, 4, 4});
  const int left = conv1x1(net, ir::kNetworkInput, 4);
  const int right = conv1x1(net, left, 4);
  net.add(ir::Add{}, {left, right});
  const auto firmware = firmware_bytes(net.take(), with_code());
  ASSERT_TRUE(firmware);
  const double constants = 2 * (4 * 4 + 4 * 8);
  EXPECT_EQ(firmware->value, 1000 + 300 + 100 + 2 * 4 * 10 + constants);
  EXPECT_EQ(firmware->standard_deviation, 30);
  EXPECT_EQ(firmware->origin, Origin::kPredicted);
}

TEST(FirmwareBytes, TakesAnUnknownKindForTheMeanAndSaysSo) {
  testing::Builder net({4, 4, 4});
  const int conv = conv1x1(net, ir::kNetworkInput, 4);
  net.add(ir::Concat{}, {conv, conv});
  const auto firmware = firmware_bytes(net.take(), with_code());
  ASSERT_TRUE(firmware);
  EXPECT_EQ(firmware->value, 1000 + 300 + 200 + 4 * 10 + (4 * 4 + 4 * 8));
  EXPECT_DOUBLE_EQ(firmware->standard_deviation, std::hypot(30.0, 200.0));
}

TEST(FirmwareBytes, AreUnknownWhereTheRuntimeStatesNoSizes) {
  testing::Builder net({4, 4, 4});
  conv1x1(net, ir::kNetworkInput, 4);
  EXPECT_FALSE(firmware_bytes(net.take(), RuntimeProfile{}));
}

// EdgeMark, TFLM on NUCLEO-L4R5ZI, default build, int8: flash in KiB (fitted).
TEST(FirmwareBytes, OfMlperfTinyAreWhatEdgeMarkMeasured) {
  const DeviceProfile device = testing::device("stm32l4r5");
  const RuntimeProfile& runtime = device.runtime("tflite_micro");
  const auto expect = [&](ir::Network network, double kibibytes, bool is_classifier = true) {
    if (is_classifier) {
      const int logits = static_cast<int>(network.layers.size()) - 1;
      network.layers.push_back(
          {.name = "softmax", .op = ir::Softmax{}, .inputs = {logits}, .precision = {}});
    }
    const auto firmware = firmware_bytes(network, runtime);
    ASSERT_TRUE(firmware);
    EXPECT_NEAR(firmware->value, kibibytes * 1024, 2 * firmware->standard_deviation);
  };
  expect(testing::resnet8(), 228.0234);
  expect(testing::ds_cnn(), 182.0156);
  expect(testing::autoencoder(), 345.5625, false);
  expect(testing::mobilenet_v1(1, 96, 2), 437.1406);
}

}  // namespace
}  // namespace hwnas::estimators
