#include "report/network_boxes.hpp"

#include <gtest/gtest.h>

#include "tests/ir/network_zoo.hpp"
#include "tests/report/sample_run.hpp"

namespace hwnas::report {
namespace {

TEST(NetworkBoxes, FoldBatchNormAndActivationIntoTheConvolution) {
  const ir::Network network = sample::make_network({});
  const std::vector<Box> boxes = fold_into_boxes(network);
  EXPECT_EQ(boxes[0].name, "stem");
  EXPECT_EQ(boxes[0].action, "convolution 3×3 · relu6");
  EXPECT_EQ(boxes[0].layers, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(boxes[1].kind, BoxKind::kPointwise);
  EXPECT_EQ(boxes[2].action, "depthwise 3×3 /2 · relu6");
}

TEST(NetworkBoxes, HoldEveryLayerOnce) {
  std::vector<ir::Network> networks = {sample::make_network({3, 3, 1, 2, 1})};
  for (const auto& entry : ir::zoo::networks()) networks.push_back(entry.network);
  for (const ir::Network& network : networks) {
    std::vector<int> seen(network.layers.size(), 0);
    int index = 0;
    for (const Box& box : fold_into_boxes(network)) {
      for (const int layer : box.layers) ++seen[static_cast<std::size_t>(layer)];
      for (const int input : box.inputs) EXPECT_LT(input, index);
      ++index;
    }
    EXPECT_EQ(seen, std::vector<int>(network.layers.size(), 1));
  }
}

TEST(NetworkBoxes, DrawResidualsAsArcsThatDoNotOverlapInALane) {
  const std::vector<Box> boxes = fold_into_boxes(sample::make_network({1, 1, 0, 2, 0}));
  const std::vector<Arc> arcs = arcs_between(boxes);
  EXPECT_EQ(arcs.size(), 4U);  // two later blocks in each of two stages
  for (std::size_t i = 0; i < arcs.size(); ++i) {
    EXPECT_EQ(boxes[static_cast<std::size_t>(arcs[i].to)].action, "add");
    for (std::size_t j = 0; j < i; ++j) {
      const bool overlap = arcs[i].from < arcs[j].to && arcs[j].from < arcs[i].to;
      EXPECT_FALSE(overlap && arcs[i].lane == arcs[j].lane);
    }
  }
}

TEST(NetworkBoxes, CountActivationsAsThePlannerDoes) {
  // A chain has one order, so the largest box is the planner's peak.
  const ir::Network network = ir::fold_batch_norm(sample::make_network({1, 1, 0, 0, 0}));
  std::int64_t peak = 0;
  for (const Box& box : fold_into_boxes(network)) peak = std::max(peak, box.live_bytes);
  EXPECT_EQ(peak, estimators::peak_sram(network).bytes);
}

}  // namespace
}  // namespace hwnas::report
