#include "nn/channel_ties.hpp"

#include <gtest/gtest.h>

#include "tests/ir/network_zoo.hpp"

namespace hwnas::nn {
namespace {

ir::Layer layer(std::string name, ir::Operator op, std::vector<int> inputs) {
  return {
      .name = std::move(name), .op = std::move(op), .inputs = std::move(inputs), .precision = {}};
}

/// expand, its batch norm, a depthwise convolution, project, and around all of them a sum; then a
/// classifier.
ir::Network inverted_residual() {
  ir::Conv2d depthwise = ir::zoo::conv(16, ir::zoo::square(1));
  depthwise.groups = 16;
  return {{1, 8, 8},
          {layer("stem", ir::zoo::conv(4, ir::zoo::square(1)), {ir::kNetworkInput}),
           layer("expand", ir::zoo::conv(16, ir::zoo::square(1)), {0}),
           layer("norm", ir::BatchNorm{}, {1}), layer("depthwise", depthwise, {2}),
           layer("project", ir::zoo::conv(4, ir::zoo::square(1)), {3}),
           layer("sum", ir::Add{}, {0, 4}), layer("pool", ir::GlobalAveragePool{}, {5}),
           layer("classifier", ir::Linear{.out_features = 3}, {6})}};
}

TEST(ChannelTies, FollowChannelsThroughLayersThatPassThemOnAndThroughSums) {
  ChannelTies ties;
  ties.cover(inverted_residual());
  const auto expanded = ties.written_by("expand");
  EXPECT_EQ(ties.written_by("norm"), expanded);
  EXPECT_EQ(ties.written_by("depthwise"), expanded);
  EXPECT_EQ(ties.read_by("project"), expanded);
  const auto outer = ties.written_by("stem");
  EXPECT_EQ(ties.written_by("project"), outer);
  EXPECT_EQ(ties.read_by("expand"), outer);
  EXPECT_EQ(ties.read_by("classifier"), outer);
  EXPECT_NE(expanded, outer);
  EXPECT_NE(expanded, ChannelTies::kFixed);
  EXPECT_NE(outer, ChannelTies::kFixed);
}

TEST(ChannelTies, InputsAndOutputsOfTheNetworkAreFixed) {
  ChannelTies ties;
  ties.cover(inverted_residual());
  EXPECT_EQ(ties.read_by("stem"), ChannelTies::kFixed);
  EXPECT_EQ(ties.written_by("classifier"), ChannelTies::kFixed);
}

TEST(ChannelTies, ALayerThatReadsOneOfTwoTiesThem) {
  const auto chain = [](bool deep) {
    ir::Network network{
        {1, 8, 8}, {layer("first", ir::zoo::conv(4, ir::zoo::square(1)), {ir::kNetworkInput})}};
    if (deep) network.layers.push_back(layer("second", ir::zoo::conv(4, ir::zoo::square(1)), {0}));
    const int last = static_cast<int>(network.layers.size()) - 1;
    network.layers.push_back(layer("head", ir::zoo::conv(2, ir::zoo::square(1)), {last}));
    return network;
  };
  ChannelTies ties;
  ties.cover(chain(true));
  EXPECT_NE(ties.written_by("first"), ties.written_by("second"));
  ties.cover(chain(false));
  EXPECT_EQ(ties.written_by("first"), ties.written_by("second"));
  EXPECT_EQ(ties.read_by("head"), ties.written_by("first"));
}

TEST(ChannelTies, WhatIsConcatenatedOrFlattenedOverPixelsIsFixed) {
  const ir::Network network{
      {1, 2, 2},
      {layer("left", ir::zoo::conv(4, ir::zoo::square(1)), {ir::kNetworkInput}),
       layer("right", ir::zoo::conv(4, ir::zoo::square(1)), {ir::kNetworkInput}),
       layer("both", ir::Concat{}, {0, 1}),
       layer("mixed", ir::zoo::conv(4, ir::zoo::square(1)), {2}), layer("flat", ir::Flatten{}, {3}),
       layer("classifier", ir::Linear{.out_features = 3}, {4})}};
  ChannelTies ties;
  ties.cover(network);
  for (const char* name : {"left", "right", "mixed"}) {
    EXPECT_EQ(ties.written_by(name), ChannelTies::kFixed) << name;
  }
  EXPECT_EQ(ties.read_by("classifier"), ChannelTies::kFixed);
}

}  // namespace
}  // namespace hwnas::nn
