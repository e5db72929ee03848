#include "estimators/network_features.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estimators/kernel_features.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

using testing::Builder;

Eigen::RowVectorXd features(const ir::Network& network, const FusionRules& rules = {}) {
  return network_features(std::span(&network, 1), rules).row(0);
}

double value(const Eigen::RowVectorXd& row, const std::string& name) {
  return row[feature_column(network_feature_layout(), name)];
}

/// Operators of a cell that run under a hypothesis, by the flags of reachability as published for
/// NAS-Bench-201: an edge (i, j) runs if its source is reached from the input, its target reaches
/// the output, both, or whatever they do.
struct CellCounts {
  int conv1x1 = 0, conv3x3 = 0, pool = 0;
};

CellCounts count_cell(const std::string& ops, bool removes_dead, bool folds_constants) {
  constexpr int kFrom[6] = {0, 0, 1, 0, 1, 2}, kTo[6] = {1, 2, 2, 3, 3, 3};
  bool reached[4] = {true, false, false, false}, needed[4] = {false, false, false, true};
  for (int node = 1; node < 4; ++node) {
    for (int edge = 0; edge < 6; ++edge) {
      if (kTo[edge] == node && ops[edge] != '0') reached[node] |= reached[kFrom[edge]];
    }
  }
  for (int node = 2; node >= 0; --node) {
    for (int edge = 0; edge < 6; ++edge) {
      if (kFrom[edge] == node && ops[edge] != '0') needed[node] |= needed[kTo[edge]];
    }
  }
  CellCounts counts;
  for (int edge = 0; edge < 6; ++edge) {
    if (removes_dead && !needed[kTo[edge]]) continue;
    if (folds_constants && !reached[kFrom[edge]]) continue;
    counts.conv1x1 += ops[edge] == '2' ? 1 : 0;
    counts.conv3x3 += ops[edge] == '3' ? 1 : 0;
    counts.pool += ops[edge] == '4' ? 1 : 0;
  }
  return counts;
}

bool is_connected(const std::string& ops) {
  const bool node1 = ops[0] != '0', node2 = ops[1] != '0' || (node1 && ops[2] != '0');
  return ops[3] != '0' || (node1 && ops[4] != '0') || (node2 && ops[5] != '0');
}

class CellHypotheses : public ::testing::TestWithParam<std::string> {
 protected:
  bool removes_dead() const { return GetParam() == "bwd" || GetParam() == "eff"; }
  bool folds_constants() const { return GetParam() == "fwd" || GetParam() == "eff"; }
};

TEST_P(CellHypotheses, CountTheOperatorsOfEveryConnectedCell) {
  // One cell a stage: stem 3x3; two residual blocks of two 3x3, a 1x1 and a pool; the last pool.
  for (int index = 0; index < 15625; index += 31) {
    std::string ops;
    for (int edge = 0, rest = index; edge < 6; ++edge, rest /= 5) {
      ops += static_cast<char>('0' + rest % 5);
    }
    if (!is_connected(ops)) continue;
    const Eigen::RowVectorXd row = features(testing::nasbench201(ops, 1));
    const CellCounts cell = count_cell(ops, removes_dead(), folds_constants());
    ASSERT_EQ(value(row, GetParam() + ".conv.count"), 5 + 3 * cell.conv3x3) << ops;
    ASSERT_EQ(value(row, GetParam() + ".pointwise.count"), 2 + 3 * cell.conv1x1) << ops;
    ASSERT_EQ(value(row, GetParam() + ".pool.count"), 3 + 3 * cell.pool) << ops;
    ASSERT_EQ(value(row, "graph.connected"), 1) << ops;
  }
}

INSTANTIATE_TEST_SUITE_P(All, CellHypotheses, ::testing::Values("raw", "bwd", "fwd", "eff"),
                         [](const auto& hypothesis) { return hypothesis.param; });

TEST(NetworkFeatures, OfDisconnectedCellsSayThatTheOutputIsAConstant) {
  EXPECT_EQ(value(features(testing::nasbench201("330300", 1)), "graph.connected"), 1);
  EXPECT_EQ(value(features(testing::nasbench201("333000", 1)), "graph.connected"), 0);
}

TEST(NetworkFeatures, OfAnAdditionOfOneTermAreThoseOfTheTerm) {
  Builder net({4, 8, 8});
  const int conv = net.add(ir::Conv2d{.out_channels = 4, .window = {}}, {ir::kNetworkInput});
  const int zero = net.add(ir::Zero{}, {ir::kNetworkInput});
  net.add(ir::Add{}, {conv, zero});
  const Eigen::RowVectorXd row = features(net.take());
  EXPECT_EQ(value(row, "graph.connected"), 1);
  EXPECT_EQ(value(row, "graph.kernels"), 1);
  EXPECT_EQ(value(row, "graph.additions"), 0);
}

TEST(NetworkFeatures, SumUpWhatTheKernelsDo) {
  const ir::Network network = testing::resnet8();
  const Eigen::RowVectorXd row = features(network);
  const double mmacs = value(row, "eff.conv.mmacs") + value(row, "eff.pointwise.mmacs") +
                       value(row, "eff.linear.mmacs");
  EXPECT_NEAR(mmacs, static_cast<double>(ir::macs(network)) / 1e6, 1e-9);
  EXPECT_EQ(value(row, "eff.conv.count"), 7);
  EXPECT_EQ(value(row, "eff.pointwise.count"), 2);
  EXPECT_EQ(value(row, "eff.elementwise.count"), 3) << "the clamps are fused with the sums";
  EXPECT_EQ(value(row, "graph.additions"), 3);
  EXPECT_EQ(value(row, "graph.kernels"), 7 + 2 + 3 + 1 + 1);
  EXPECT_EQ(value(row, "graph.longest_in_convolutions"), 7);
  EXPECT_EQ(value(row, "graph.width"), 2) << "a shortcut beside the body";
}

TEST(NetworkFeatures, CountTheMacsThatFillingChannelsAdds) {
  Builder net({3, 8, 8});
  net.conv(ir::kNetworkInput, 20, 3, 1);
  const Eigen::RowVectorXd row = features(net.take());
  const double mmacs = 64 * 27 * 20 / 1e6;
  EXPECT_NEAR(value(row, "eff.padding_8"), mmacs * 4 / 20, 1e-12);
  EXPECT_NEAR(value(row, "eff.padding_16"), mmacs * 12 / 20, 1e-12);
  EXPECT_NEAR(value(row, "eff.padding_32"), mmacs * 12 / 20, 1e-12);
}

TEST(NetworkFeatures, HaveARooflineOnlyIfTheDeviceIsGiven) {
  const ir::Network network = testing::ds_cnn();
  EXPECT_EQ(value(features(network), "eff.roofline_ms"), 0);
  const auto roofline = [&](double macs, double bytes) {
    return value(network_features(std::span(&network, 1), {}, Roofline{macs, bytes}).row(0),
                 "eff.roofline_ms");
  };
  const Eigen::RowVectorXd row = features(network);
  double kbytes = 0;
  for (const char* const kind : {"conv", "pointwise", "depthwise", "linear", "pool"}) {
    kbytes += value(row, fmt::format("eff.{}.kbytes", kind));
  }
  EXPECT_NEAR(roofline(1e15, 1e6), kbytes, 1e-9 * kbytes) << "bound by memory: 1 ms a kilobyte";
  EXPECT_NEAR(roofline(1e6, 1e15), static_cast<double>(ir::macs(network)) / 1e3, 0.01);
}

TEST(NetworkFeatures, FollowTheRulesOfTheRuntime) {
  const ir::Network network = testing::resnet8();
  const Eigen::RowVectorXd fused = features(network, FusionRules{}.with(FusionRule::kConvAdd));
  EXPECT_EQ(value(fused, "eff.elementwise.count"), 0);
  const Eigen::RowVectorXd eager = features(network, FusionRules({}));
  EXPECT_EQ(value(eager, "eff.depthwise.count"), 9) << "a batch norm for each convolution";
  EXPECT_EQ(value(eager, "eff.elementwise.count"), 7 + 3) << "clamps and sums";
}

TEST(NetworkFeatures, HaveOneLayoutForAllNetworks) {
  const FeatureLayout& layout = network_feature_layout();
  int next = 0;
  for (const FeatureGroup& group : layout.groups) {
    EXPECT_EQ(group.begin, next) << group.name;
    next += group.size;
  }
  EXPECT_EQ(next, static_cast<int>(layout.names.size()));
  EXPECT_EQ(features(testing::autoencoder()).size(), next);
}

}  // namespace
}  // namespace hwnas::estimators
