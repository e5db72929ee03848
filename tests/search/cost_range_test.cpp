#include "search/cost_range.hpp"

#include <gtest/gtest.h>

#include "tests/search/toy_space.hpp"

namespace hwnas::search {
namespace {

double macs_of(const ir::Network& network) {
  return static_cast<double>(ir::macs(network));
}

TEST(CostRange, IsExactOnASmallSpaceAndDecodesEachNetworkOnce) {
  const ToySpace space(4, 3, true);
  int calls = 0;
  const CostRange range = cost_range(
      space, [&](const ir::Network& network) { return ++calls, macs_of(network); }, 1);
  EXPECT_TRUE(range.exact);
  EXPECT_EQ(calls, 81 - 2 * 9);
  EXPECT_EQ(range.min, 4);
  EXPECT_EQ(range.argmin, (spaces::Genotype{{0, 0, 0, 0}}));
  EXPECT_EQ(range.max, 3 + 9 + 9 + 9);
  EXPECT_EQ(range.argmax, (spaces::Genotype{{2, 2, 2, 2}}));
}

TEST(CostRange, FindsTheEndsOfALargeSpaceWithoutClaimingProof) {
  const ToySpace space(20, 5);
  const CostRange range = cost_range(space, macs_of, 1);
  EXPECT_FALSE(range.exact);
  EXPECT_EQ(range.min, 20);
  EXPECT_EQ(range.max, 5 + 19 * 25);
}

TEST(CostRange, LeavesALocalOptimumByOtherStarts) {
  const ToySpace space(20, 5);
  // Smallest where all widths are 3, which neither end of the space is next to.
  const CostRange range = cost_range(
      space,
      [](const ir::Network& network) {
        double sum = 0;
        for (const ir::Layer& layer : network.layers) {
          const int width = std::get<ir::Conv2d>(layer.op).out_channels;
          sum += width == 3 ? 0 : 1 + width % 2;
        }
        return sum;
      },
      1);
  EXPECT_EQ(range.min, 0);
  EXPECT_EQ(range.argmin.choices, std::vector<std::uint16_t>(20, 2));
  EXPECT_EQ(range.max, 40);
}

}  // namespace
}  // namespace hwnas::search
