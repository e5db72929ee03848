#include "bench/cell_features.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "core/error.hpp"

namespace hwnas::bench {
namespace {

/// The columns of one group for one genotype.
std::vector<double> group_of(const EncodedNetworks& networks, const std::string& name,
                             Eigen::Index row = 0) {
  for (const estimators::FeatureGroup& group : networks.layout.groups) {
    if (group.name != name) continue;
    const Eigen::RowVectorXd columns = networks.features.row(row).segment(group.begin, group.size);
    return {columns.begin(), columns.end()};
  }
  return {};
}

using Counts = std::vector<double>;  // of skip, 1×1, 3×3, pooling

// 0→1 is a 3×3 convolution that only `none` reads, 2→3 a pooling that nothing reaches, 0→3 a skip.
TEST(CellFeatures, CountWhatEachRewritingExecutes) {
  const EncodedNetworks cell = encode_nasbench201({"300104"});
  EXPECT_EQ(group_of(cell, "raw"), (Counts{1, 0, 1, 1}));
  EXPECT_EQ(group_of(cell, "bwd"), (Counts{1, 0, 0, 1}));
  EXPECT_EQ(group_of(cell, "toco"), (Counts{1, 0, 1, 1}));
  EXPECT_EQ(group_of(cell, "fwd"), (Counts{1, 0, 1, 0}));
  EXPECT_EQ(group_of(cell, "eff"), (Counts{1, 0, 0, 0}));
}

// Node 2 is dead in all: a product with zero folds into a single convolution, but not into a sum
// or a pooling.
TEST(CellFeatures, KeepADeadConvolutionUnderTocoOnlyWhereNothingIsAddedToIt) {
  const EncodedNetworks cells =
      encode_nasbench201({"030100", "130100", "330100", "330110", "304100", "301100", "402110"});
  const auto convolutions = [&](Eigen::Index row) { return group_of(cells, "toco", row)[2]; };
  EXPECT_EQ(convolutions(0), 1);  // 0→2 alone
  EXPECT_EQ(convolutions(1), 1);  // its node takes 1→2's none beside it
  EXPECT_EQ(convolutions(2), 0);  // a folded 0→1 is added to it
  EXPECT_EQ(convolutions(3), 2);  // 0→1 is alive, and 0→2 alone
  EXPECT_EQ(convolutions(4), 0);  // only a pooling reads it
  EXPECT_EQ(convolutions(5), 1);  // only a skip reads it
  EXPECT_EQ(group_of(cells, "toco", 6), (Counts{2, 1, 0, 1}));  // 1×1 on a living node
}

TEST(CellFeatures, DescribeTheShapeOfTheGraphThatReachesTheOutput) {
  const EncodedNetworks cell = encode_nasbench201({"332303"});
  const std::vector<double> expected = {2, 4, 3, 2, 3, 19, 1};
  EXPECT_EQ(group_of(cell, "graph"), expected);
}

TEST(CellFeatures, AreConnectedIfAPathLeadsToTheOutput) {
  const EncodedNetworks cells = encode_nasbench201({"000100", "330000", "300003", "300010"});
  EXPECT_EQ(cells.connected, (std::vector<bool>{true, false, false, true}));
}

TEST(CellFeatures, CountMacsOfPublishedCells) {
  // The table of accuracies gives 15,647,360 MACs with 7,783,040 outside the cells.
  const EncodedNetworks cells = encode_nasbench201({"421211", "000000"});
  EXPECT_EQ(cells.macs[0], 15'647'360 - 7'783'040);
  EXPECT_EQ(cells.macs[1], 0);
}

TEST(FbnetFeatures, HaveOneOptionALayer) {
  const EncodedNetworks networks = encode_fbnet({"7818488874147327324245"});
  const std::vector<double> one_hot = group_of(networks, "one_hot");
  ASSERT_EQ(one_hot.size(), 198U);
  EXPECT_EQ(one_hot[7], 1);
  EXPECT_EQ(one_hot[9 + 8], 1);
  EXPECT_EQ(std::accumulate(one_hot.begin(), one_hot.end(), 0.0), 22);
  EXPECT_EQ(group_of(networks, "counts"), (std::vector<double>{0, 2, 3, 2, 5, 1, 0, 4, 5}));
}

TEST(FbnetFeatures, CountTheWorkOfABlock) {
  // All skips but the first layer: 16 to 16 channels on 32×32 maps, 3×3, expansion 1.
  const EncodedNetworks networks =
      encode_fbnet({"0888888888888888888888", "8888888888888888888888"});
  const auto first = group_of(networks, "work", 0);
  const auto none = group_of(networks, "work", 1);
  EXPECT_EQ(first[0] - none[0], 2 * 1024 * 16 * 16);
  EXPECT_EQ(first[2] - none[2], 1024 * 16 * 9);
  EXPECT_EQ(first[4] - none[4], 4 * 1024 * 16);
  EXPECT_EQ(first[5] - none[5], 16 * 32 + 16 * 9);
}

TEST(Features, RefuseGenotypesOfAnotherSpace) {
  EXPECT_THROW(encode_nasbench201({"42121"}), Error);
  EXPECT_THROW(encode_nasbench201({"421215"}), Error);
  EXPECT_THROW(encode_fbnet({"421211"}), Error);
  EXPECT_THROW(encode("darts", {}), Error);
}

}  // namespace
}  // namespace hwnas::bench
