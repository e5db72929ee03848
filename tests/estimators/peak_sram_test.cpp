#include "estimators/peak_sram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "estimators/memory_graph.hpp"
#include "ir/weights.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

using testing::Builder;

ir::Conv2d conv1x1(int channels) {
  ir::Conv2d conv;
  conv.out_channels = channels;
  return conv;
}

std::vector<int> file_order(const ir::Network& network) {
  std::vector<int> order(network.layers.size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

/// The smallest peak over all topological orders, by trying them all.
class BruteForce {
 public:
  BruteForce(const ir::Network& network, const SramOptions& options)
      : network_(network), options_(options), executed_(network.layers.size()) {
    extend();
  }
  std::int64_t best() const { return best_; }
  int orders() const { return orders_; }

 private:
  bool ready(int layer) const {
    return !executed_[layer] &&
           std::all_of(network_.layers[layer].inputs.begin(), network_.layers[layer].inputs.end(),
                       [&](int input) { return input == ir::kNetworkInput || executed_[input]; });
  }
  void extend() {
    if (order_.size() == executed_.size()) {
      best_ = std::min(best_, sram_of_order(network_, order_, options_));
      ++orders_;
      return;
    }
    for (int layer = 0; layer < static_cast<int>(executed_.size()); ++layer) {
      if (!ready(layer)) continue;
      executed_[layer] = true;
      order_.push_back(layer);
      extend();
      order_.pop_back();
      executed_[layer] = false;
    }
  }

  const ir::Network& network_;
  SramOptions options_;
  std::vector<bool> executed_;
  std::vector<int> order_;
  std::int64_t best_ = std::numeric_limits<std::int64_t>::max();
  int orders_ = 0;
};

/// The same for graphs of up to 20 steps: the least peak with which each set of executed steps can
/// be reached, set by set, without any of the search's shortcuts.
std::int64_t least_peak_by_sets(const ir::Network& network, const SramOptions& options) {
  const MemoryGraph graph = memory_graph(network, options);
  const std::size_t steps = graph.steps.size();
  const std::uint32_t all = (std::uint32_t{1} << steps) - 1;
  const auto is_live = [&](int tensor, std::uint32_t executed) {
    if (tensor > 0 && (executed >> (tensor - 1) & 1) == 0) return false;
    if (tensor == graph.output) return true;
    return std::ranges::any_of(graph.readers[tensor],
                               [&](int reader) { return (executed >> reader & 1) == 0; });
  };
  const auto live = [&](std::uint32_t executed) {
    std::int64_t bytes = 0;
    for (std::size_t t = 0; t < graph.bytes.size(); ++t) {
      if (is_live(static_cast<int>(t), executed)) bytes += graph.bytes[t];
    }
    return bytes;
  };
  constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> least(all + std::size_t{1}, kNever);
  least[0] = live(0);
  for (std::uint32_t executed = 0; executed < all; ++executed) {
    if (least[executed] == kNever) continue;
    const std::int64_t before = live(executed);
    for (std::size_t s = 0; s < steps; ++s) {
      const std::uint32_t after = executed | std::uint32_t{1} << s;
      const MemoryStep& step = graph.steps[s];
      if (after == executed || !std::ranges::all_of(step.reads, [&](int tensor) {
            return tensor == 0 || (executed >> (tensor - 1) & 1) != 0;
          })) {
        continue;
      }
      const bool overwrites =
          step.may_overwrite && std::ranges::any_of(step.reads, [&](int tensor) {
            return !is_live(tensor, after) && graph.bytes[tensor] >= step.bytes;
          });
      const std::int64_t during = before + (overwrites ? 0 : step.bytes);
      least[after] = std::min(least[after], std::max(least[executed], during));
    }
  }
  return least[all];
}

/// Maps of one size, each made from up to three of the nine before it: many orders tie.
ir::Network network_of_equal_maps(int maps, Rng& rng) {
  Builder net({4, 4, 4});
  std::vector<int> layers = {net.add(conv1x1(4), {ir::kNetworkInput})};
  std::vector<bool> used = {false};
  while (static_cast<int>(layers.size()) < maps) {
    std::vector<int> inputs;
    for (std::uint64_t reads = 1 + rng.index(3); reads > 0; --reads) {
      const std::size_t back = rng.index(std::min<std::size_t>(9, layers.size()));
      const std::size_t source = layers.size() - 1 - back;
      if (std::ranges::count(inputs, layers[source]) > 0) continue;
      inputs.push_back(layers[source]);
      used[source] = true;
    }
    layers.push_back(inputs.size() > 1 ? net.add(ir::Add{}, inputs) : net.add(conv1x1(4), inputs));
    used.push_back(false);
  }
  std::vector<int> loose;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!used[i]) loose.push_back(layers[i]);
  }
  if (loose.size() > 1) net.add(ir::Add{}, loose);
  return net.take();
}

TEST(PeakSram, OfAChainIsItsLargestInputPlusOutput) {
  Builder net({2, 4, 4});                    // 32 bytes
  net.add(conv1x1(8), {ir::kNetworkInput});  // 128
  net.add(ir::Activation{});                 // fused
  net.add(conv1x1(4));                       // 64
  net.add(ir::Flatten{});                    // a view
  net.add(ir::Linear{10});
  const PeakSram peak = peak_sram(net.take());
  EXPECT_EQ(peak.bytes, 128 + 64);
  EXPECT_TRUE(peak.exact);
  EXPECT_EQ(peak.lower_bound, peak.bytes);
}

TEST(PeakSram, CountsTheInputOnlyIfAsked) {
  Builder net({64, 4, 4});
  net.add(conv1x1(1), {ir::kNetworkInput});
  const ir::Network network = net.take();
  EXPECT_EQ(peak_sram(network).bytes, 64 * 16 + 16);
  EXPECT_EQ(peak_sram(network, {.count_input = false}).bytes, 16);
}

TEST(PeakSram, KeepsASkippedTensorAlive) {
  Builder net({1, 4, 4});                                     // 16 bytes
  const int stem = net.add(conv1x1(4), {ir::kNetworkInput});  // 64
  net.add(conv1x1(8), {stem});                                // 128
  const int body = net.add(conv1x1(4));                       // 64
  net.add(ir::Add{}, {stem, body});
  EXPECT_EQ(peak_sram(net.take()).bytes, 64 + 128 + 64);
}

TEST(PeakSram, LetsOnlyElementwiseLayersOverwriteADyingInput) {
  Builder net({4, 4, 4});
  const int left = net.add(conv1x1(4), {ir::kNetworkInput});
  const int right = net.add(conv1x1(4), {left});
  net.add(ir::Add{}, {left, right});
  net.add(ir::Activation{ir::ActivationKind::kHardSwish});
  const ir::Network network = net.take();
  EXPECT_EQ(peak_sram(network).bytes, 2 * 64);
  EXPECT_EQ(peak_sram(network, {.in_place_elementwise = false}).bytes, 3 * 64);
}

TEST(PeakSram, RoundsSubByteTensorsUp) {
  Builder net({1, 3, 3});
  net.add(conv1x1(1), {ir::kNetworkInput});
  ir::Network network = net.take();
  network.layers[0].precision.activation_bits = 4;
  EXPECT_EQ(peak_sram(network).bytes, 9 + 5);
  network.layers[0].precision.activation_bits = 32;
  EXPECT_EQ(peak_sram(network).bytes, 36 + 36) << "a float layer reads a float input";
}

TEST(PeakSram, FindsTheOrderThatRunsTheShrinkingBranchFirst) {
  Builder net({1, 4, 4});
  const int stem = net.add(conv1x1(4), {ir::kNetworkInput});  // 64
  const int wide = net.add(conv1x1(16), {stem});              // 256
  const int narrow_a = net.add(conv1x1(1), {wide});           // 16
  const int wide_b = net.add(conv1x1(16), {stem});            // 256
  const int narrow_b = net.add(conv1x1(1), {wide_b});         // 16
  net.add(ir::Concat{}, {narrow_a, narrow_b});
  const ir::Network network = net.take();
  const PeakSram peak = peak_sram(network);
  // The second branch no longer needs the stem after its wide layer, but the first result stays.
  EXPECT_EQ(peak.bytes, 64 + 256 + 16);
  EXPECT_EQ(sram_of_order(network, {stem, wide, wide_b, narrow_a, narrow_b, 5}), 64 + 256 + 256);
}

TEST(PeakSram, EqualsBruteForceOverAllOrdersOfRandomGraphs) {
  Rng rng(7);
  int choices = 0;
  for (int round = 0; round < 400; ++round) {
    const ir::Network network = testing::random_network(4 + round % 5, rng);
    const SramOptions options{.in_place_elementwise = round % 2 == 0, .count_input = round % 3 > 0};
    const BruteForce brute_force(network, options);
    const PeakSram peak = peak_sram(network, options);
    ASSERT_TRUE(peak.exact);
    ASSERT_EQ(peak.bytes, brute_force.best()) << "round " << round;
    ASSERT_EQ(sram_of_order(network, peak.order, options), peak.bytes) << "round " << round;
    choices += brute_force.orders() > 1 ? 1 : 0;
  }
  EXPECT_GT(choices, 200) << "most of the graphs must have more than one order";
}

TEST(PeakSram, EqualsTheLeastPeakOverAllSetsOfLargerGraphs) {
  Rng rng(23);
  int improved = 0;
  for (int round = 0; round < 300; ++round) {
    const ir::Network network =
        round % 2 == 0 ? testing::random_network(15, rng) : network_of_equal_maps(15, rng);
    const SramOptions options{.in_place_elementwise = round % 3 > 0, .count_input = round % 5 > 0};
    ASSERT_LE(memory_graph(network, options).steps.size(), 20U);
    const PeakSram peak = peak_sram(network, options);
    ASSERT_EQ(peak.bytes, least_peak_by_sets(network, options)) << "round " << round;
    ASSERT_TRUE(peak.exact);
    improved += peak.bytes < sram_of_order(network, file_order(network), options) ? 1 : 0;
  }
  EXPECT_GT(improved, 100);
}

TEST(PeakSram, GivesAnOrderOfAllLayersThatReachesIt) {
  Rng rng(3);
  for (int round = 0; round < 20; ++round) {
    const ir::Network network = testing::random_network(40, rng);
    const PeakSram peak = peak_sram(network);
    EXPECT_TRUE(peak.exact);
    EXPECT_EQ(sram_of_order(network, peak.order), peak.bytes);
    EXPECT_LE(peak.bytes, sram_of_order(network, file_order(network)));
  }
}

TEST(PeakSram, ProvesALowerBoundWhenTheBudgetRunsOut) {
  Rng rng(11);
  int gave_up = 0;
  for (int round = 0; round < 30; ++round) {
    const ir::Network network = testing::random_network(30, rng);
    const PeakSram exact = peak_sram(network);
    const PeakSram hasty = peak_sram(network, {.max_states = 2});
    ASSERT_TRUE(exact.exact);
    EXPECT_LE(hasty.lower_bound, exact.bytes);
    EXPECT_GE(hasty.bytes, exact.bytes);
    EXPECT_EQ(hasty.exact, hasty.lower_bound == hasty.bytes);
    EXPECT_EQ(sram_of_order(network, hasty.order), hasty.bytes);
    gave_up += hasty.exact ? 0 : 1;
  }
  EXPECT_GT(gave_up, 0);
}

TEST(PeakSram, OrdersBranchesTooLongForTheExactSearch) {
  // The input stays alive beside the first branch to run, and that branch's result beside the
  // other: no order of the two is within the largest layer alone, so the bound cannot be proven.
  Builder net({4, 4, 4});
  std::vector<int> ends;
  for (int branch = 0; branch < 2; ++branch) {
    int from = ir::kNetworkInput;
    for (int i = 0; i < 300; ++i) from = net.add(conv1x1(i % 2 == 0 ? 8 : 6), {from});
    ends.push_back(from);
  }
  net.add(ir::Add{}, ends);
  const ir::Network network = net.take();
  const PeakSram peak = peak_sram(network);
  EXPECT_EQ(sram_of_order(network, peak.order), peak.bytes);
  EXPECT_EQ(peak.bytes, 128 + 96 + 96);
  EXPECT_EQ(peak.lower_bound, 128 + 96);
  EXPECT_FALSE(peak.exact);
}

TEST(PeakSram, IsExactForEveryKindOfNasBench201Cell) {
  Rng rng(5);
  for (int round = 0; round < 20; ++round) {
    std::string ops;
    for (int edge = 0; edge < 6; ++edge) ops += static_cast<char>('0' + rng.index(5));
    const ir::Network deployed =
        ir::fold_batch_norm(ir::remove_dead_layers(testing::nasbench201(ops)));
    const PeakSram peak = peak_sram(deployed);
    EXPECT_TRUE(peak.exact) << ops;
    EXPECT_EQ(sram_of_order(deployed, peak.order), peak.bytes) << ops;
  }
}

TEST(PeakSram, CountsBatchNormsNotYetFoldedLikeFoldedOnes) {
  const ir::Network network = testing::resnet8();
  EXPECT_EQ(peak_sram(network).bytes, peak_sram(ir::fold_batch_norm(network)).bytes);
}

TEST(PeakSram, OfResnet8IsThatOfItsFirstBlock) {
  // 16 x 32 x 32 three times: the skipped input, the first convolution's output, the second's.
  EXPECT_EQ(peak_sram(testing::resnet8()).bytes, 3 * 16 * 32 * 32);
}

TEST(PeakSram, OrderMustBeTopologicalAndComplete) {
  Builder net({1, 4, 4});
  net.add(conv1x1(2), {ir::kNetworkInput});
  net.add(conv1x1(2));
  const ir::Network network = net.take();
  EXPECT_THROW(sram_of_order(network, {1, 0}), Error);
  EXPECT_THROW(sram_of_order(network, {0}), Error);
  EXPECT_THROW(sram_of_order(network, {0, 0}), Error);
  EXPECT_THROW(sram_of_order(network, {0, 2}), Error);
}

}  // namespace
}  // namespace hwnas::estimators
