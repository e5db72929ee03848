#include "core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

namespace hwnas {
namespace {

TEST(Rng, SameSeedGivesSameSequence) {
  Rng a(7);
  Rng b(7);
  Rng c(8);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto value = a();
    EXPECT_EQ(value, b());
    differs |= value != c();
  }
  EXPECT_TRUE(differs);
}

TEST(Rng, IndicesAreUniformBelowTheirBound) {
  Rng rng(1);
  std::array<int, 7> counts{};
  for (int i = 0; i < 70'000; ++i) ++counts.at(rng.index(7));
  for (const int count : counts) EXPECT_NEAR(count, 10'000, 400);  // about four deviations
  EXPECT_EQ(rng.index(1), 0u);
}

TEST(Rng, NormalsHaveMeanZeroAndVarianceOne) {
  Rng rng(2);
  double sum = 0;
  double squares = 0;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const double value = rng.normal();
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.02);
  EXPECT_NEAR(squares / kCount, 1, 0.03);
}

TEST(Rng, UniformsStayInTheUnitInterval) {
  Rng rng(3);
  for (int i = 0; i < 10'000; ++i) {
    const double value = rng.uniform();
    EXPECT_TRUE(value >= 0 && value < 1);
  }
}

TEST(Rng, ShuffleKeepsAllValuesAndReachesAllOrders) {
  Rng rng(4);
  std::set<std::vector<int>> orders;
  for (int i = 0; i < 200; ++i) {
    std::vector<int> values = {0, 1, 2};
    rng.shuffle(std::span(values));
    orders.insert(values);
  }
  EXPECT_EQ(orders.size(), 6u);
}

TEST(Rng, DerivedSeedsDependOnEveryPartOfTheKey) {
  std::set<std::uint64_t> seeds;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t a = 0; a < 10; ++a) {
      for (std::uint64_t b = 0; b < 10; ++b) seeds.insert(derive_seed(seed, {a, b}));
    }
  }
  EXPECT_EQ(seeds.size(), 1000u);
  EXPECT_EQ(derive_seed(1, {2}), derive_seed(1, {2}));
  EXPECT_NE(derive_seed(1, {2}), derive_seed(1, {2, 0}));
}

}  // namespace
}  // namespace hwnas
