#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/ir/network_zoo.hpp"

namespace hwnas::ir {
namespace {

TEST(StableHash, IsGolden) {
  const std::map<std::string, std::uint64_t> golden = {
      {"plain", 0x5182dca0aeeb6275},
      {"inverted_residual", 0xd8bc70e5e78b1ef2},
      {"squeeze_excite", 0x328b217367214196},
      {"branches", 0x46e660cb38bfe1c},
      {"signal", 0x330175ea22161074},
      {"asymmetric_padding", 0x9bf012ada704f7df},
      {"dilated_groups", 0x96cbfc4d717012e4},
      {"zero_edges", 0xa6e006fa3b9db327},
      {"standalone_batch_norm", 0x548a3279b0d86654},
      {"probabilities", 0x34013c480fc98c7},
      {"explicit_pad", 0xcdbd62f44023e0a4},
      {"fully_convolutional", 0xf11e1279d9ef46db},
  };
  for (const auto& [name, network] : zoo::networks()) {
    ASSERT_TRUE(golden.contains(name)) << name << ": " << std::hex << stable_hash(network);
    EXPECT_EQ(stable_hash(network), golden.at(name)) << name;
  }
}

TEST(StableHash, LeavesNamesOut) {
  Network network = zoo::plain();
  const std::uint64_t before = stable_hash(network);
  network.layers[0].name = "renamed";
  EXPECT_EQ(stable_hash(network), before);
}

TEST(StableHash, DependsOnEverythingElse) {
  const Network base = zoo::dilated_groups();
  std::set<std::uint64_t> hashes = {stable_hash(base)};
  const auto expect_new = [&](auto change) {
    Network changed = base;
    change(changed);
    EXPECT_TRUE(hashes.insert(stable_hash(changed)).second);
  };
  const auto expect_new_conv = [&](auto change) {
    expect_new([&](Network& n) { change(std::get<Conv2d>(n.layers[0].op)); });
  };
  expect_new([](Network& n) { n.input.channels += 1; });
  expect_new([](Network& n) { n.input.height += 1; });
  expect_new([](Network& n) { n.input.width += 1; });
  expect_new([](Network& n) { n.layers[0].inputs = {}; });
  expect_new([](Network& n) { n.layers[3].inputs[0] = 0; });
  expect_new([](Network& n) { n.layers[0].precision.weight_bits = 4; });
  expect_new([](Network& n) { n.layers[0].precision.activation_bits = 4; });
  expect_new([](Network& n) { n.layers[1].op = BatchNorm{1e-3F}; });
  expect_new([](Network& n) { n.layers[1].op = Zero{1}; });
  expect_new([](Network& n) { n.layers[1].op = Zero{2}; });
  expect_new([](Network& n) { n.layers[1].op = Pad{{1, 0, 0, 0}}; });
  expect_new([](Network& n) { n.layers[1].op = Pad{{0, 1, 0, 0}}; });
  expect_new([](Network& n) { n.layers[2].op = Activation{ActivationKind::kSigmoid}; });
  expect_new([](Network& n) { n.layers[2].op = Pool{PoolKind::kMax, {}}; });
  expect_new([](Network& n) { n.layers[2].op = Pool{PoolKind::kAverage, {}}; });
  expect_new([](Network& n) { n.layers.back().op = Linear{4}; });
  expect_new([](Network& n) { n.layers.back().op = Linear{3, false}; });
  expect_new([](Network& n) { n.layers.pop_back(); });
  expect_new_conv([](Conv2d& conv) { conv.out_channels += 2; });
  expect_new_conv([](Conv2d& conv) { conv.groups = 1; });
  expect_new_conv([](Conv2d& conv) { conv.bias = true; });
  expect_new_conv([](Conv2d& conv) { conv.dilation_height = 1; });
  expect_new_conv([](Conv2d& conv) { conv.dilation_width = 1; });
  expect_new_conv([](Conv2d& conv) { conv.window.kernel_height = 1; });
  expect_new_conv([](Conv2d& conv) { conv.window.stride_width = 2; });
  expect_new_conv([](Conv2d& conv) { conv.window.padding.bottom = 1; });
}

}  // namespace
}  // namespace hwnas::ir
