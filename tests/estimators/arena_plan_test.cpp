#include "estimators/arena_plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "estimators/deployment.hpp"
#include "estimators/memory_graph.hpp"
#include "estimators/packing.hpp"
#include "networks.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::estimators {
namespace {

/// A tensor's place while it is needed.
struct Place {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Executes the plan step by step with an allocator that knows no lifetimes but its own: every
/// output is put where the plan says and must not touch what is still to be read, except an input
/// that it overwrites whole.
void expect_sound(const ir::Network& network, const ArenaPlan& plan, const SramOptions& options) {
  const MemoryGraph graph = memory_graph(network, options);
  std::vector<int> step_of(network.layers.size(), -1);
  for (std::size_t s = 0; s < graph.steps.size(); ++s) {
    step_of[graph.steps[s].layer] = static_cast<int>(s);
  }
  const auto place = [&](int tensor) {
    const std::int64_t offset =
        tensor == 0 ? plan.input_offset : plan.offsets[graph.steps[tensor - 1].layer];
    return Place{offset, offset + graph.bytes[tensor]};
  };
  std::vector<int> pending(graph.bytes.size());
  for (std::size_t t = 0; t < graph.bytes.size(); ++t) {
    pending[t] = static_cast<int>(graph.readers[t].size());
  }
  ++pending[graph.output];
  std::vector<int> live;
  if (graph.bytes[0] > 0) live.push_back(0);
  for (const int layer : plan.order) {
    if (step_of[layer] < 0) continue;
    const MemoryStep& step = graph.steps[step_of[layer]];
    const int output = step_of[layer] + 1;
    const Place written = place(output);
    ASSERT_GE(written.begin, 0);
    ASSERT_LE(written.end, plan.bytes) << network.layers[layer].name;
    for (const int tensor : live) {
      const Place other = place(tensor);
      const bool disjoint =
          written.end <= other.begin || other.end <= written.begin || step.bytes == 0;
      const bool read = std::count(step.reads.begin(), step.reads.end(), tensor) > 0;
      const bool in_place =
          step.may_overwrite && read && pending[tensor] == 1 && other.begin == written.begin;
      EXPECT_TRUE(disjoint || in_place)
          << network.layers[layer].name << " destroys tensor " << tensor;
    }
    for (const int tensor : step.reads) --pending[tensor];
    live.push_back(output);
    std::erase_if(live, [&](int tensor) { return pending[tensor] == 0; });
  }
}

ArenaPlan checked_plan(const ir::Network& network, const SramOptions& options = {}) {
  const ArenaPlan plan = arena_plan(network, options);
  expect_sound(network, plan, options);
  EXPECT_EQ(plan.peak_bytes, peak_sram(network, options).bytes);
  EXPECT_GE(plan.bytes, plan.peak_bytes);
  return plan;
}

class ArenaPlanOf : public ::testing::TestWithParam<ir::zoo::ZooNetwork> {};
INSTANTIATE_TEST_SUITE_P(Zoo, ArenaPlanOf, ::testing::ValuesIn(ir::zoo::networks()),
                         [](const auto& test) { return test.param.name; });

TEST_P(ArenaPlanOf, TheZooIsSoundAndAsSmallAsThePeak) {
  const ir::Network network = deploy(GetParam().network).network;
  for (const bool in_place : {true, false}) {
    for (const bool count_input : {true, false}) {
      const ArenaPlan plan =
          checked_plan(network, {.in_place_elementwise = in_place, .count_input = count_input});
      EXPECT_TRUE(plan.is_tight()) << plan.bytes << " bytes for a peak of " << plan.peak_bytes;
    }
  }
}

TEST(ArenaPlan, OfPublicBenchmarksIsAsSmallAsThePeak) {
  for (const ir::Network& network :
       {testing::resnet8(), testing::ds_cnn(), testing::mobilenet_v1(1, 96, 2),
        testing::autoencoder(), testing::residual_network(9)}) {
    EXPECT_TRUE(checked_plan(deploy(network).network).is_tight());
  }
}

TEST(ArenaPlan, OfNasBench201CellsIsAsSmallAsThePeak) {
  Rng rng(5);
  for (int round = 0; round < 40; ++round) {
    std::string ops;
    for (int edge = 0; edge < 6; ++edge) ops += static_cast<char>('0' + rng.index(5));
    EXPECT_TRUE(checked_plan(deploy(testing::nasbench201(ops)).network).is_tight()) << ops;
  }
}

TEST(ArenaPlan, OfRandomGraphsIsSoundAndAlmostAlwaysAsSmallAsThePeak) {
  Rng rng(7);
  int tight = 0;
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    const ir::Network network = testing::random_network(4 + round % 24, rng);
    const SramOptions options{.in_place_elementwise = round % 2 == 0, .count_input = round % 3 > 0};
    tight += checked_plan(network, options).is_tight() ? 1 : 0;
  }
  EXPECT_GE(tight, kRounds * 98 / 100) << tight << " of " << kRounds;
}

TEST(ArenaPlan, PutsAnElementwiseLayerOverTheInputThatDiesThere) {
  testing::Builder net({4, 4, 4});
  ir::Conv2d conv;
  conv.out_channels = 4;
  const int left = net.add(conv, {ir::kNetworkInput});
  const int right = net.add(conv, {left});
  const int sum = net.add(ir::Add{}, {left, right});
  const int swish = net.add(ir::Activation{ir::ActivationKind::kHardSwish});
  const ArenaPlan plan = checked_plan(net.take());
  EXPECT_EQ(plan.bytes, 2 * 64);
  EXPECT_EQ(plan.offsets[swish], plan.offsets[sum]);
  EXPECT_TRUE(plan.offsets[sum] == plan.offsets[left] || plan.offsets[sum] == plan.offsets[right]);
}

TEST(ArenaPlan, IsTheSameEveryTime) {
  const ir::Network network = testing::resnet8();
  EXPECT_EQ(arena_plan(network).offsets, arena_plan(network).offsets);
}

/// Every packing that cannot be pushed down, by trying all orders of first-fit.
std::int64_t smallest_arena(const std::vector<Block>& blocks) {
  std::vector<int> order(blocks.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  do {
    std::vector<std::int64_t> offsets(blocks.size());
    std::int64_t arena = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Piece& piece = blocks[order[i]].pieces.front();
      for (std::size_t below = 0; below < i; ++below) {
        const Piece& other = blocks[order[below]].pieces.front();
        if (piece.begin > other.end || other.begin > piece.end) continue;
        offsets[order[i]] = std::max(offsets[order[i]], offsets[order[below]] + other.bytes);
      }
      arena = std::max(arena, offsets[order[i]] + piece.bytes);
    }
    best = std::min(best, arena);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

TEST(Packing, FindsAPackingOfTheSmallestArenaWheneverThereIsOne) {
  Rng rng(13);
  for (int round = 0; round < 200; ++round) {
    std::vector<Block> blocks;
    for (int i = 0; i < 7; ++i) {
      const int begin = static_cast<int>(rng.index(6));
      const int end = begin + static_cast<int>(rng.index(3));
      blocks.push_back({{{begin, end, 1 + static_cast<std::int64_t>(rng.index(9))}}});
    }
    const std::int64_t smallest = smallest_arena(blocks);
    EXPECT_EQ(pack(blocks, smallest, 1'000'000).bytes, smallest) << "round " << round;
  }
}

TEST(Packing, LetsAShrinkingBlockFreeItsUpperEnd) {
  const std::vector<Block> blocks = {{{{0, 1, 8}, {1, 2, 4}}}, {{{2, 2, 6}}}};
  const Packing packing = pack(blocks, 10, 1000);
  EXPECT_EQ(packing.bytes, 10);
  EXPECT_TRUE((packing.offsets == std::vector<std::int64_t>{0, 4}) ||
              (packing.offsets == std::vector<std::int64_t>{6, 0}));
}

}  // namespace
}  // namespace hwnas::estimators
