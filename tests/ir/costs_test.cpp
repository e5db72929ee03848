#include <gtest/gtest.h>

#include <limits>

#include "tests/ir/network_zoo.hpp"

namespace hwnas::ir {
namespace {

// Keyword spotting's DS-CNN as in MLPerf Tiny (Banbury et al., "MLPerf Tiny Benchmark", 2021):
// 49x10 features, one 10x4 convolution, four depthwise separable blocks of 64 channels, 12 classes.
Network ds_cnn() {
  zoo::Builder net({1, 49, 10});
  net.conv_block(zoo::conv(64, {10, 4, 2, 2, {4, 1, 5, 1}}, 1, true), ActivationKind::kRelu);
  for (int block = 0; block < 4; ++block) {
    net.conv_block(zoo::conv(64, zoo::square(3), 64, true), ActivationKind::kRelu);
    net.conv_block(zoo::conv(64, zoo::square(1), 1, true), ActivationKind::kRelu);
  }
  net.add(GlobalAveragePool{});
  net.add(Linear{12});
  return net.take();
}

// MobileNetV2 (Sandler et al., 2018, Table 2), width 1.0 at 224: the paper gives 300M MACs and
// 3.4M parameters; torchvision's implementation counts 3,504,872 parameters.
Network mobilenet_v2() {
  zoo::Builder net({3, 224, 224});
  int channels = 32;
  int last = net.conv_block(zoo::conv(channels, zoo::square(3, 2)), ActivationKind::kRelu6);
  struct Stage {
    int expansion, channels, repeats, stride;
  };
  for (const Stage& stage :
       {Stage{1, 16, 1, 1}, Stage{6, 24, 2, 2}, Stage{6, 32, 3, 2}, Stage{6, 64, 4, 2},
        Stage{6, 96, 3, 1}, Stage{6, 160, 3, 2}, Stage{6, 320, 1, 1}}) {
    for (int repeat = 0; repeat < stage.repeats; ++repeat) {
      const int stride = repeat == 0 ? stage.stride : 1;
      const int wide = channels * stage.expansion;
      if (stage.expansion != 1) {
        net.conv_block(zoo::conv(wide, zoo::square(1)), ActivationKind::kRelu6);
      }
      net.conv_block(zoo::conv(wide, zoo::square(3, stride), wide), ActivationKind::kRelu6);
      net.add(zoo::conv(stage.channels, zoo::square(1)));
      int output = net.add(BatchNorm{});
      if (stride == 1 && channels == stage.channels) output = net.add(Add{}, {last, output});
      last = output;
      channels = stage.channels;
    }
  }
  net.conv_block(zoo::conv(1280, zoo::square(1)), ActivationKind::kRelu6);
  net.add(GlobalAveragePool{});
  net.add(Linear{1000});
  return net.take();
}

TEST(Costs, ConvolutionCountsByHand) {
  const Shape in = {8, 10, 12};
  const Layer layer{"c", zoo::conv(16, {3, 5, 2, 1, {1, 2, 1, 2}}, 4, true), {kNetworkInput}, {}};
  // Output 16x5x12; each value takes 8/4·3·5 = 30 products.
  EXPECT_EQ(macs(layer, in, {16, 5, 12}), 16 * 5 * 12 * 30);
  EXPECT_EQ(parameters(layer, in), 16 * 30 + 16);
}

TEST(Costs, OtherLayersCountByHand) {
  EXPECT_EQ(macs({"l", Linear{10}, {kNetworkInput}, {}}, {64}, {10}), 640);
  EXPECT_EQ(parameters({"l", Linear{10}, {kNetworkInput}, {}}, {64}), 650);
  EXPECT_EQ(parameters({"l", Linear{10, false}, {kNetworkInput}, {}}, {64}), 640);
  EXPECT_EQ(parameters({"b", BatchNorm{}, {kNetworkInput}, {}}, {64, 3, 3}), 128);
  EXPECT_EQ(macs({"b", BatchNorm{}, {kNetworkInput}, {}}, {64, 3, 3}, {64, 3, 3}), 0);
  EXPECT_EQ(macs({"p", Pool{}, {kNetworkInput}, {}}, {64, 3, 3}, {64, 3, 3}), 0);
}

TEST(Costs, MobileNetV2MatchesThePublishedFigures) {
  const Network network = mobilenet_v2();
  EXPECT_EQ(parameters(network), 3'504'872);
  EXPECT_EQ(macs(network), 300'774'272);
}

TEST(Costs, DsCnnMatchesHandCount) {
  const Network network = ds_cnn();
  const std::int64_t pixels = 25 * 5;
  EXPECT_EQ(macs(network), pixels * 64 * 40 + 4 * pixels * 64 * (9 + 64) + 64 * 12);
  EXPECT_EQ(parameters(network),
            (40 + 1 + 2) * 64 + 4 * ((9 + 1 + 2) * 64 + (64 + 1 + 2) * 64) + 65 * 12);
}

TEST(Costs, SumsSaturateInsteadOfOverflowing) {
  // 2^28 outputs of 2^28 products each make 2^56 a layer, the most that shapes allow.
  constexpr int kSide = 1 << 14;
  const Window window = {kSide, kSide, 1, 1, {kSide - 1, kSide - 1, kSide - 1, kSide - 1}};
  zoo::Builder net({1, 1, 1});
  for (int i = 0; i < 200; ++i) {
    net.add(zoo::conv(1, window));
    net.add(GlobalAveragePool{});
  }
  EXPECT_EQ(macs(net.take()), std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace hwnas::ir
