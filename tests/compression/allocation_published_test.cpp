// Bit-allocation problems as published, with their published solutions and exact optima.

#include <gtest/gtest.h>

#include "tests/compression/published_allocation.hpp"

namespace hwnas::compression {
namespace {

class PublishedAllocation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!published::are_there()) GTEST_SKIP() << "set HWNAS_DATA to the folder of quant";
  }
};

TEST_F(PublishedAllocation, AllEighteenProblemsOfHawqV3AreSolvedLayerByLayer) {
  int equal_at_half = 0;
  int layers_at_half = 0;
  int published = 0;
  int layers = 0;
  for (const published::HawqProblem& problem : published::hawq_problems()) {
    SCOPED_TRACE(problem.name);
    const Allocation result = solve(problem.problem);
    ASSERT_TRUE(result.optimal);
    EXPECT_NEAR(result.value.objective, problem.objective, 1e-9);
    const std::vector<int> bits = published::hawq_bits(problem, result);
    EXPECT_EQ(bits, problem.bits);
    int equal = 0;
    for (std::size_t i = 0; i < bits.size(); ++i) equal += bits[i] == problem.bits[i];
    layers += static_cast<int>(bits.size());
    published += equal - problem.published_differs;
    if (problem.fraction == 0.5) {
      layers_at_half += static_cast<int>(bits.size());
      equal_at_half += equal - problem.published_differs;
    }
  }
  EXPECT_EQ(equal_at_half, 213);
  EXPECT_EQ(layers_at_half, 213);
  EXPECT_EQ(published, 638);
  EXPECT_EQ(layers, 639);
}

TEST_F(PublishedAllocation, HaqsTableHasRoomFor764BitsInTheCyclesOfItsPolicysBits606) {
  const auto [problem, policy] = published::haq_problem(published::HaqObjective::kTotalBits);
  const AllocationValue haq = evaluate(problem, policy);
  EXPECT_EQ(haq.objective, -606);
  EXPECT_EQ(haq.costs[0], problem.limits[0].limit);
  const Allocation result = solve(problem);
  EXPECT_TRUE(result.optimal);
  EXPECT_EQ(result.gap(), 0);
  EXPECT_EQ(result.value.objective, -764);
  EXPECT_LE(result.value.costs[0], problem.limits[0].limit);
  EXPECT_NEAR(result.root_bound, -764.2163, 1e-3);
}

TEST_F(PublishedAllocation, HaqsTableAllowsAQuarterOfItsPolicysQuantizationNoise) {
  const auto [problem, policy] = published::haq_problem(published::HaqObjective::kNoise);
  EXPECT_NEAR(evaluate(problem, policy).objective, 0.12762451171875, 1e-12);
  const Allocation result = solve(problem);
  EXPECT_TRUE(result.optimal);
  EXPECT_NEAR(result.value.objective, 0.0288848876953125, 1e-12);
  EXPECT_NEAR(result.root_bound, 0.0288805702, 1e-9);
}

}  // namespace
}  // namespace hwnas::compression
