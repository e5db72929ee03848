#include <gmock/gmock.h>

#include <set>

#include "core/error.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::spaces {
namespace {

using testing::IsSupersetOf;

constexpr Task kImageNet{{.channels = 3, .height = 224, .width = 224}, 1000};
constexpr Task kCifar10{{.channels = 3, .height = 32, .width = 32}, 10};
constexpr Task kKeywords{{.channels = 1, .height = 49, .width = 10}, 12};

std::unique_ptr<SearchSpace> space_of(std::string_view yaml, const Task& task) {
  return make_space(Config::parse(yaml, "space.yaml"), task);
}

std::set<std::string> layer_names(const ir::Network& network) {
  std::set<std::string> names;
  for (const ir::Layer& layer : network.layers) names.insert(layer.name);
  return names;
}

/// The network of a file in which every choice is fixed.
ir::Network only_network(std::string_view yaml, const Task& task) {
  const auto space = space_of(yaml, task);
  EXPECT_TRUE(space->decisions().empty());
  return space->decode({});
}

TEST(Mobile, ContainsMobileNetV2) {
  const ir::Network network = only_network(R"(
family: mobile
stem: { channels: 32 }
stages:
  - { depth: 1, channels: 16, expansion: 1 }
  - { depth: 2, channels: 24, expansion: 6, stride: 2 }
  - { depth: 3, channels: 32, expansion: 6, stride: 2 }
  - { depth: 4, channels: 64, expansion: 6, stride: 2 }
  - { depth: 3, channels: 96, expansion: 6 }
  - { depth: 3, channels: 160, expansion: 6, stride: 2 }
  - { depth: 1, channels: 320, expansion: 6 }
head: { channels: 1280 }
)",
                                           kImageNet);
  EXPECT_EQ(ir::parameters(network), 3504872);  // torchvision's mobilenet_v2
  EXPECT_EQ(ir::macs(network), 300774272);
}

TEST(Mobile, ContainsMobileNetV3Large) {
  const auto space = space_of(R"(
family: mobile
per_block: true
activation: hard_swish
stem: { channels: 16 }
stages:
  - { depth: 1, channels: 16, expansion: 1, activation: relu }
  - { depth: 2, channels: 24, expansion: [3, 4], stride: 2, activation: relu }
  - { depth: 3, channels: 40, expansion: 3, stride: 2, kernel: 5, squeeze_excite: true, activation: relu }
  - { depth: 4, channels: 80, expansion: [2.3, 2.5, 6], stride: 2 }
  - { depth: 2, channels: 112, expansion: 6, squeeze_excite: true }
  - { depth: 3, channels: 160, expansion: 6, stride: 2, kernel: 5, squeeze_excite: true }
head: { channels: 960, features: 1280 }
)",
                              kImageNet);
  const Genotype large{{1, 0, 2, 1, 0, 0}};
  EXPECT_EQ(describe(*space, large),
            "stage2.block1.expansion=4 stage2.block2.expansion=3 stage4.block1.expansion=6 "
            "stage4.block2.expansion=2.5 stage4.block3.expansion=2.3 stage4.block4.expansion=2.3");
  EXPECT_EQ(ir::parameters(space->decode(large)), 5483032);  // torchvision's mobilenet_v3_large
}

TEST(Mobile, OpensDepthsExpansionsAndKernelsOfOnceForAll) {
  const auto space =
      make_space(Config::load(HWNAS_SOURCE_DIR "/configs/spaces/mobile_phone.yaml"), kImageNet);
  EXPECT_EQ(space->decisions().size(), 5U * (1 + 4 + 4));
}

TEST(Mobile, InitialPoolLowersTheResolution) {
  const auto space = space_of(R"(
family: mobile
initial_pool: [1, 2, 3]
stem: { channels: 8, stride: 1 }
stages: [ { depth: 1, channels: 8, expansion: 2 } ]
)",
                              kCifar10);
  const auto macs = [&](std::uint16_t pool) { return ir::macs(space->decode({{pool}})); };
  const std::int64_t logits = 8 * 10;
  EXPECT_EQ((macs(0) - logits) / (32 * 32), (macs(1) - logits) / (16 * 16));
  EXPECT_EQ((macs(0) - logits) / (32 * 32), (macs(2) - logits) / (11 * 11));
}

TEST(Mobile, AStageOfDepthZeroIsLeftOut) {
  const ir::Network network = only_network(R"(
family: mobile
stem: { channels: 8 }
stages:
  - { depth: 0, channels: 64, expansion: 2, stride: 2 }
  - { depth: 1, channels: 8, expansion: 1 }
)",
                                           kCifar10);
  EXPECT_EQ(network.layers[3].name, "stage2.block1.depthwise.conv");
  EXPECT_EQ(std::get<ir::Conv2d>(network.layers[3].op).groups, 8);
}

TEST(Mobile, ALayerThatReadsPastWhatIsLeftOutIsNamedForWhatItReads) {
  const auto space = space_of(R"(
family: mobile
stem: { channels: 8 }
stages:
  - { depth: 1, channels: 8, expansion: 2 }
  - { depth: [0, 1], channels: 16, expansion: 2 }
  - { depth: [0, 1], channels: 16, expansion: 2 }
head: { channels: [0, 32] }
)",
                              kCifar10);
  const auto names = [&](std::uint16_t stage2, std::uint16_t stage3, std::uint16_t head) {
    return layer_names(space->decode({{stage2, stage3, head}}));
  };
  EXPECT_THAT(names(1, 1, 1), IsSupersetOf({"stage3.block1.expand.conv", "head.conv", "logits"}));
  EXPECT_THAT(names(1, 1, 0), IsSupersetOf({"stage3.block1.expand.conv", "logits.of_stage3"}));
  EXPECT_THAT(names(1, 0, 1), IsSupersetOf({"head.of_stage2.conv", "logits"}));
  EXPECT_THAT(names(0, 1, 1),
              IsSupersetOf({"stage3.block1.of_stage1.expand.conv", "head.conv", "logits"}));
  EXPECT_THAT(names(0, 0, 0), IsSupersetOf({"stage1.block1.expand.conv", "logits.of_stage1"}));
}

TEST(Mobile, WhatNoNetworkOfTheSpaceHasIsNotReadPast) {
  const auto space = space_of(R"(
family: mobile
stem: { channels: 8 }
stages:
  - { depth: 0, channels: 8, expansion: 2 }
  - { depth: 1, channels: 8, expansion: 1 }
head: { channels: 16, features: [0, 32] }
)",
                              kCifar10);
  EXPECT_THAT(layer_names(space->decode({{1}})),
              IsSupersetOf({"stage2.block1.depthwise.conv", "features", "logits"}));
  EXPECT_THAT(layer_names(space->decode({{0}})), IsSupersetOf({"head.conv", "logits.of_head"}));
}

TEST(Dscnn, ContainsTheKeywordSpotterOfMlperfTiny) {
  const ir::Network network = only_network(R"(
family: dscnn
stem: { channels: 64, kernel: 10x4, stride: 2x2 }
blocks: { depth: 4, channels: 64 }
)",
                                           kKeywords);
  // By hand: stem 10·4·64, four blocks of 9·64 + 64·64, at 25 x 5 positions, and 64·12 at the end.
  EXPECT_EQ(ir::macs(network), 125 * (2560 + 4 * (576 + 4096)) + 768);
  EXPECT_EQ(ir::parameters(network), 2560 + 128 + 4 * (576 + 128 + 4096 + 128) + 64 * 12 + 12);
}

TEST(Resnet, ContainsResnet20) {
  const ir::Network network = only_network(R"(
family: resnet
stem: { channels: 16 }
stages:
  - { depth: 3, channels: 16 }
  - { depth: 3, channels: 32, stride: 2 }
  - { depth: 3, channels: 64, stride: 2 }
)",
                                           kCifar10);
  // The paper's 269,722 with parameter-free shortcuts, and two projections with batch norm.
  EXPECT_EQ(ir::parameters(network), 269722 + (16 * 32 + 64) + (32 * 64 + 128));
}

TEST(Conv1d, ContainsTheFullyConvolutionalNetworkForTimeSeries) {
  const Task series{{.channels = 1, .height = 1, .width = 100}, 5};
  const ir::Network network = only_network(R"(
family: conv1d
stages:
  - { channels: 128, kernel: 8 }
  - { channels: 256, kernel: 5 }
  - { channels: 128, kernel: 3 }
)",
                                           series);
  EXPECT_EQ(ir::parameters(network), 1024 + 256 + 163840 + 512 + 98304 + 256 + 128 * 5 + 5);
  EXPECT_EQ(ir::macs(network), 100 * (1024 + 163840 + 98304) + 128 * 5);
}

TEST(Conv1d, RefusesImages) {
  EXPECT_THROW(space_of("{family: conv1d, stages: [{channels: 8, kernel: 3}]}", kCifar10), Error);
}

TEST(WidthMultiplier, ScalesAndRoundsAsTheMobileNetsDo) {
  const auto space = space_of(R"(
family: mobile
width_multiplier: [0.35, 1.4]
stem: { channels: 32 }
stages: [ { depth: 1, channels: 24, expansion: 1 } ]
head: { channels: 0 }
)",
                              kCifar10);
  const auto width_of_conv = [&](std::uint16_t choice, std::size_t layer) {
    return std::get<ir::Conv2d>(space->decode({{choice}}).layers[layer].op).out_channels;
  };
  EXPECT_EQ(width_of_conv(0, 0), 16);  // 11.2 is 8 to the nearest, but that is a tenth too low
  EXPECT_EQ(width_of_conv(0, 6), 8);   // 8.4
  EXPECT_EQ(width_of_conv(1, 0), 48);  // 44.8
  EXPECT_EQ(width_of_conv(1, 6), 32);  // 33.6
}

}  // namespace
}  // namespace hwnas::spaces
