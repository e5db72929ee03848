#include "estimators/kernel_features.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "estimators/deployment.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

using testing::Builder;

double value(const KernelFeatures& features, int row, std::string_view name) {
  return features.rows(row, feature_column(kernel_feature_layout(), name));
}

KernelFeatures of_conv(const ir::Shape& in, int channels, int kernel, int stride = 1) {
  Builder net(in);
  net.conv(ir::kNetworkInput, channels, kernel, stride);
  return kernel_features(net.take());
}

TEST(KernelFeatures, OfAConvolutionAreItsColumnsInPairsAndItsRowsInPairs) {
  // 5x5 pixels: 12 pairs of columns and one left; 3 rows: one pair and one left; 3x3x5 = 45
  // products: 11 quads and one left.
  const KernelFeatures features = of_conv({5, 5, 5}, 3, 3);
  ASSERT_EQ(features.rows.rows(), 1);
  EXPECT_EQ(value(features, 0, "im2col.columns"), 25);
  EXPECT_EQ(value(features, 0, "im2col.blocks"), 12);
  EXPECT_EQ(value(features, 0, "im2col.block_quads"), 12 * 11);
  EXPECT_EQ(value(features, 0, "im2col.block_rest"), 12);
  EXPECT_EQ(value(features, 0, "im2col.block_quads_odd"), 12 * 11);
  EXPECT_EQ(value(features, 0, "im2col.last_rows"), 12);
  EXPECT_EQ(value(features, 0, "im2col.last_columns"), 3);
  EXPECT_EQ(value(features, 0, "im2col.last_column_quads"), 3 * 11);
  EXPECT_EQ(value(features, 0, "pointwise.calls"), 0);
}

TEST(KernelFeatures, OfAConvolutionTellTapsInsideTheImageFromPadding) {
  // Of 25 windows of 3x3 taps, (3·3 + 2·2)² = 169 taps lie inside.
  const KernelFeatures features = of_conv({5, 5, 5}, 3, 3);
  EXPECT_EQ(value(features, 0, "im2col.taps"), 169);
  EXPECT_EQ(value(features, 0, "im2col.quads"), 169);
  EXPECT_EQ(value(features, 0, "im2col.rest"), 169);
  EXPECT_EQ(value(features, 0, "im2col.padded_taps"), 25 * 9 - 169);
}

TEST(KernelFeatures, OfA1x1ConvolutionGoSixteenDeep) {
  const KernelFeatures features = of_conv({38, 4, 5}, 6, 1);  // 38 = 2·16 + 4 + 2
  EXPECT_EQ(value(features, 0, "im2col.calls"), 0);
  EXPECT_EQ(value(features, 0, "pointwise.blocks"), 10 * 3);
  EXPECT_EQ(value(features, 0, "pointwise.block_16"), 10 * 3 * 2);
  EXPECT_EQ(value(features, 0, "pointwise.block_4"), 10 * 3);
  EXPECT_EQ(value(features, 0, "pointwise.block_rest"), 10 * 3 * 2);
  EXPECT_EQ(value(features, 0, "pointwise.rows"), 6);
}

TEST(KernelFeatures, OfEveryConvolutionAccountForAllProducts) {
  for (int channels = 1; channels <= 9; ++channels) {
    const KernelFeatures im2col = of_conv({channels, 5, 7}, channels, 3, 2);
    const double im2col_macs =
        4 * (4 * value(im2col, 0, "im2col.block_quads") + value(im2col, 0, "im2col.block_rest")) +
        2 * (4 * value(im2col, 0, "im2col.last_row_quads") +
             value(im2col, 0, "im2col.last_row_rest")) +
        4 * value(im2col, 0, "im2col.last_column_quads") +
        value(im2col, 0, "im2col.last_column_rest");
    EXPECT_EQ(im2col_macs, value(im2col, 0, "macs")) << channels;
  }
}

TEST(KernelFeatures, DescribeWhatEachExecutedKernelDoes) {
  const ir::Network network = testing::ds_cnn();
  const KernelFeatures features = kernel_features(network);
  ASSERT_EQ(features.layers.size(), 11U) << "one conv, four depthwise, four 1x1, pool, linear";
  EXPECT_EQ(value(features, 0, "is_conv"), 1);
  EXPECT_EQ(value(features, 1, "is_depthwise"), 1);
  EXPECT_EQ(value(features, 2, "is_pointwise"), 1);
  EXPECT_EQ(value(features, 9, "is_pool"), 1);
  EXPECT_EQ(value(features, 10, "is_linear"), 1);
  EXPECT_EQ(features.rows.col(feature_column(kernel_feature_layout(), "macs")).sum(),
            static_cast<double>(ir::macs(network)));
  EXPECT_EQ(value(features, 10, "macs_filled_16"), 64 * 16) << "12 classes in vectors of 16";
}

TEST(KernelFeatures, OfSpecialShapesAreFiniteAndNeverNegative) {
  Rng rng(3);
  for (int i = 0; i < 20; ++i) {
    const KernelFeatures features = kernel_features(testing::random_network(15, rng));
    EXPECT_TRUE(features.rows.allFinite());
    EXPECT_GE(features.rows.minCoeff(), 0);
  }
}

TEST(KernelFeatures, HaveOneLayoutWhoseGroupsAreAllColumns) {
  const FeatureLayout& layout = kernel_feature_layout();
  int next = 0;
  for (const FeatureGroup& group : layout.groups) {
    EXPECT_EQ(group.begin, next);
    next += group.size;
  }
  EXPECT_EQ(next, static_cast<int>(layout.names.size()));
  EXPECT_THROW(feature_column(layout, "im2col.colums"), Error);
  EXPECT_THROW(feature_group(layout, "cmsis"), Error);
}

}  // namespace
}  // namespace hwnas::estimators
