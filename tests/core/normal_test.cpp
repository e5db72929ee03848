#include "core/normal.hpp"

#include <gtest/gtest.h>

namespace hwnas {
namespace {

TEST(Normal, QuantilesAreThoseOfTheTables) {
  EXPECT_EQ(normal_quantile(0.5), 0);
  EXPECT_NEAR(normal_quantile(0.9), 1.2815515655446004, 1e-12);
  EXPECT_NEAR(normal_quantile(0.95), 1.6448536269514722, 1e-12);
  EXPECT_NEAR(normal_quantile(0.025), -1.9599639845400545, 1e-12);
}

TEST(Normal, QuantileUndoesProbabilityFarIntoTheTails) {
  for (const double z : {-20.0, -8.0, -1.0, 0.3, 5.0}) {
    EXPECT_NEAR(normal_quantile(normal_probability(z)), z, 1e-6) << z;
  }
}

}  // namespace
}  // namespace hwnas
