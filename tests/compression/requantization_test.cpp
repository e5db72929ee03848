#include "compression/requantization.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"

namespace hwnas::compression {
namespace {

TEST(Requantization, FactorsAreKeptToThirtyBits) {
  for (const double factor : {1e-6, 0.0123, 0.5, 0.999999999999, 1.0, 3.7, 1000.0}) {
    const FixedPointFactor fixed = fixed_point_factor(factor);
    EXPECT_GE(fixed.multiplier, 1 << 30);
    EXPECT_NEAR(fixed.multiplier * std::exp2(fixed.shift - 31), factor, factor * 0x1p-30);
  }
}

TEST(Requantization, FactorsOutOfRangeAreRefused) {
  EXPECT_THROW(fixed_point_factor(-0.1), Error);
  EXPECT_THROW(fixed_point_factor(0x1p31), Error);
  EXPECT_THROW(fixed_point_factor(NAN), Error);
  EXPECT_EQ(fixed_point_factor(1e-30), FixedPointFactor{});
}

TEST(Requantization, HalvesAreRoundedAwayFromZeroByTheDivision) {
  EXPECT_EQ(rounding_divide_by_power_of_two(3, 1), 2);
  EXPECT_EQ(rounding_divide_by_power_of_two(-3, 1), -2);
  EXPECT_EQ(rounding_divide_by_power_of_two(-5, 2), -1);
  EXPECT_EQ(rounding_divide_by_power_of_two(7, 0), 7);
}

TEST(Requantization, OneRoundingIsWithinHalfAndTwoWithinThreeQuartersOfTheProduct) {
  Rng rng(1);
  for (int i = 0; i < 100'000; ++i) {
    const auto x = static_cast<std::int32_t>(rng.index(1 << 24)) - (1 << 23);
    const double factor = 1e-4 + 0.05 * rng.uniform();
    const FixedPointFactor fixed = fixed_point_factor(factor);
    EXPECT_LE(std::abs(multiply_rounding_once(x, fixed) - x * factor), 0.5001);
    EXPECT_LE(std::abs(multiply_rounding_twice(x, fixed) - x * factor), 0.7501);
  }
}

// compression.md's figure, from ten million accumulators: 0.439 % of outputs.
TEST(Requantization, RoundingTwiceDiffersRarelyAndByOne) {
  Rng rng(2);
  int different = 0;
  constexpr int kCount = 200'000;
  for (int i = 0; i < kCount; ++i) {
    const double factor = std::exp(std::log(1e-4) + rng.uniform() * std::log(500.0));
    const FixedPointFactor fixed = fixed_point_factor(factor);
    const auto x = static_cast<std::int32_t>((rng.uniform() * 2 - 1) * 128 / factor);
    const int difference = multiply_rounding_once(x, fixed) - multiply_rounding_twice(x, fixed);
    EXPECT_LE(std::abs(difference), 1);
    different += difference != 0 ? 1 : 0;
  }
  EXPECT_GT(different, 0);
  EXPECT_LT(different, kCount / 50);
}

}  // namespace
}  // namespace hwnas::compression
