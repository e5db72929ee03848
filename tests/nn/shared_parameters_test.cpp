#include "nn/shared_parameters.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::nn {
namespace {

using testing::ElementsAre;

ir::Network one_convolution(int in, int out, int kernel) {
  ir::zoo::Builder builder({in, 8, 8});
  builder.add(ir::zoo::conv(out, ir::zoo::square(kernel)));
  return builder.take();
}

TEST(SharedParameters, GiveANarrowLayerTheLeadingChannelsOfTheWidest) {
  SharedParameters shared;
  shared.cover(one_convolution(3, 2, 1));
  shared.cover(one_convolution(2, 4, 1));
  EXPECT_EQ(shared.size(), 3 * 4);
  EXPECT_THAT(shared.select(one_convolution(2, 2, 1)).places, ElementsAre(0, 1, 3, 4));
}

TEST(SharedParameters, GiveASmallKernelTheMiddleOfTheLargestAndAMatrix) {
  SharedParameters shared;
  shared.cover(one_convolution(1, 1, 5));
  shared.cover(one_convolution(1, 1, 3));
  EXPECT_EQ(shared.size(), 25 + 81);
  const auto selection = shared.select(one_convolution(1, 1, 3));
  EXPECT_THAT(selection.places, ElementsAre(6, 7, 8, 11, 12, 13, 16, 17, 18));
  ASSERT_EQ(selection.kernels.size(), 1U);
  EXPECT_EQ(selection.kernels[0].matrix, 25);
  EXPECT_EQ(selection.kernels[0].positions, 9);
  EXPECT_TRUE(shared.select(one_convolution(1, 1, 5)).kernels.empty());
}

TEST(SharedParameters, RefuseWhatNoCoveredNetworkHas) {
  SharedParameters shared;
  shared.cover(one_convolution(2, 2, 3));
  EXPECT_THROW(shared.select(one_convolution(2, 3, 3)), Error);
  EXPECT_THROW(shared.select(one_convolution(2, 2, 5)), Error);
  ir::Network renamed = one_convolution(2, 2, 3);
  renamed.layers[0].name = "other";
  EXPECT_THROW(shared.select(renamed), Error);
}

TEST(SharedParameters, DecayWeightsAndNeitherBiasesNorMatrices) {
  SharedParameters shared;
  shared.cover(one_convolution(1, 1, 3));
  shared.cover(one_convolution(1, 1, 1));
  const std::vector<float> mask = shared.decay_mask();
  EXPECT_EQ(std::count(mask.begin(), mask.end(), 1.0F), 9);
  EXPECT_EQ(mask.size(), 10U);
}

TEST(SharedParameters, SortChannelsByTheWeightsThatReadThem) {
  ir::zoo::Builder builder({1, 8, 8});
  builder.add(ir::zoo::conv(3, ir::zoo::square(1)));
  builder.add(ir::zoo::conv(2, ir::zoo::square(1)));
  SharedParameters shared;
  shared.cover(builder.take());
  // Three weights that write the channels, then 2 x 3 that read them.
  const std::vector<float> values{10, 20, 30, 1, -5, 2, 1, 0, -3};
  EXPECT_THAT(shared.order_by_importance(values), ElementsAre(1, 2, 0, 4, 5, 3, 7, 8, 6));
}

}  // namespace
}  // namespace hwnas::nn
