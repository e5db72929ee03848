#include "compression/allocation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "tests/compression/random_allocation.hpp"
#include "tests/core/message_of.hpp"

namespace hwnas::compression {
namespace {

using ::testing::HasSubstr;
using testing::ProblemShape;
using testing::random_problem;

/// Every choice in turn.
std::optional<double> least_by_enumeration(const AllocationProblem& problem) {
  std::vector<int> choice(problem.groups.size(), 0);
  std::optional<double> best;
  while (true) {
    bool allowed = true;
    for (std::size_t g = 0; g < choice.size(); ++g) {
      allowed = allowed && problem.groups[g].options[choice[g]].allowed;
    }
    const AllocationValue value = evaluate(problem, choice);
    if (allowed && keeps_limits(problem, value) && (!best || value.objective < *best)) {
      best = value.objective;
    }
    std::size_t g = 0;
    while (g < choice.size() && ++choice[g] == static_cast<int>(problem.groups[g].options.size())) {
      choice[g++] = 0;
    }
    if (g == choice.size()) return best;
  }
}

/// The Lagrangian at given multipliers, by enumeration of each group: no edges.
double separable_bound(const AllocationProblem& problem, const std::vector<double>& multipliers) {
  double bound = 0;
  for (const AllocationGroup& group : problem.groups) {
    double least = std::numeric_limits<double>::infinity();
    for (const AllocationOption& option : group.options) {
      if (!option.allowed) continue;
      double value = option.objective;
      for (std::size_t k = 0; k < multipliers.size(); ++k)
        value += multipliers[k] * option.costs[k];
      least = std::min(least, value);
    }
    bound += least;
  }
  for (std::size_t k = 0; k < multipliers.size(); ++k) {
    bound -= multipliers[k] * problem.limits[k].limit;
  }
  return bound;
}

/// Limits halfway between what is least and most.
void loosen(AllocationProblem& problem) {
  for (std::size_t k = 0; k < problem.limits.size(); ++k) {
    double& limit = problem.limits[k].limit = 0;
    for (const AllocationGroup& group : problem.groups) {
      limit += 0.5 * (group.options.front().costs[k] + group.options.back().costs[k]);
    }
  }
}

class SolveAgainstEnumeration : public ::testing::TestWithParam<ProblemShape> {};

TEST_P(SolveAgainstEnumeration, FindsTheLeastObjectiveOrSaysThatThereIsNoChoice) {
  int feasible = 0;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE(seed);
    const AllocationProblem problem = random_problem(GetParam(), seed);
    const Allocation result = solve(problem);
    const std::optional<double> least = least_by_enumeration(problem);
    ASSERT_EQ(result.feasible, least.has_value()) << result.explanation;
    if (!least) continue;
    ++feasible;
    EXPECT_TRUE(result.optimal);
    EXPECT_EQ(result.gap(), 0);
    EXPECT_NEAR(result.value.objective, *least, 1e-9);
    EXPECT_TRUE(keeps_limits(problem, evaluate(problem, result.choice)));
    EXPECT_LE(result.root_bound, *least + 1e-9);
  }
  EXPECT_GT(feasible, 8) << "the sample must be worth something";
  EXPECT_LT(feasible, 24) << "and hold infeasible problems too";
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, SolveAgainstEnumeration,
    ::testing::Values(ProblemShape{"one_limit", 6, 4, 1, testing::Edges::kNone},
                      ProblemShape{"three_limits", 6, 4, 3, testing::Edges::kNone},
                      ProblemShape{"chain", 6, 4, 1, testing::Edges::kChain},
                      ProblemShape{"chain_two_limits", 6, 4, 2, testing::Edges::kChain},
                      ProblemShape{"residual", 6, 4, 2, testing::Edges::kResidual},
                      ProblemShape{"all_pairs", 4, 4, 2, testing::Edges::kAllPairs}),
    [](const auto& shape) { return shape.param.name; });

TEST(Solve, LeavesOutEdgesWhereTablesWouldExplodeAndStaysExact) {
  // 9 groups, all pairs: a table of 4^9 cells.
  const AllocationProblem problem =
      random_problem({"dense", 9, 4, 1, testing::Edges::kAllPairs}, 3);
  const Allocation result = solve(problem);
  ASSERT_TRUE(result.optimal);
  EXPECT_LE(result.root_bound, result.value.objective);
  EXPECT_NEAR(result.value.objective, *least_by_enumeration(problem), 1e-9);
}

TEST(Solve, TheRootBoundIsTheLagrangianAtTheMultipliersItReturns) {
  for (const int limits : {1, 2, 3}) {
    AllocationProblem problem = random_problem({"", 40, 6, limits, testing::Edges::kNone}, 11);
    loosen(problem);
    const Allocation result = solve(problem);
    ASSERT_TRUE(result.optimal);
    EXPECT_NEAR(result.root_bound, separable_bound(problem, result.multipliers), 1e-9);
    EXPECT_LT(result.value.objective - result.root_bound, 0.02 * result.value.objective);
  }
}

TEST(Solve, ChainsWithoutLimitsAreViterbiAndNeedNoBranching) {
  const AllocationProblem problem = random_problem({"", 30, 5, 0, testing::Edges::kChain}, 5);
  const Allocation result = solve(problem);
  EXPECT_TRUE(result.optimal);
  EXPECT_NEAR(result.root_bound, result.value.objective, 1e-9);
  EXPECT_LE(result.nodes, 30);
}

TEST(Solve, IsTheSameEachTime) {
  AllocationProblem problem = random_problem({"", 40, 6, 3, testing::Edges::kNone}, 2);
  loosen(problem);
  const Allocation first = solve(problem);
  const Allocation second = solve(problem);
  EXPECT_EQ(first.choice, second.choice);
  EXPECT_EQ(first.nodes, second.nodes);
  EXPECT_EQ(first.root_bound, second.root_bound);
}

TEST(Solve, OptionsWithoutAKernelAreNeverChosen) {
  AllocationProblem problem{.groups = {{"conv",
                                        {{"int8", 8, 8, 0.0, {100}},
                                         {"int4", 4, 8, 1.0, {50}, false},
                                         {"int2", 2, 8, 9.0, {25}}}}},
                            .limits = {{"flash_bytes", 60}},
                            .edges = {}};
  EXPECT_EQ(solve(problem).choice, std::vector<int>{2});
  problem.groups[0].options[1].allowed = true;
  EXPECT_EQ(solve(problem).choice, std::vector<int>{1});
}

TEST(Solve, ABudgetThatRunsOutLeavesAnHonestGap) {
  AllocationProblem problem = random_problem({"", 40, 6, 3, testing::Edges::kNone}, 4);
  loosen(problem);
  const Allocation exact = solve(problem);
  ASSERT_TRUE(exact.optimal);
  const Allocation cut = solve(problem, {.max_nodes = 1});
  ASSERT_TRUE(cut.feasible);
  EXPECT_FALSE(cut.optimal);
  EXPECT_GT(cut.gap(), 0);
  EXPECT_LE(cut.lower_bound, exact.value.objective + 1e-12);
  EXPECT_GE(cut.value.objective, exact.value.objective - 1e-12);
}

TEST(Solve, ALimitOutOfReachIsNamedWithItsSmallestCostAndTheGroupsThatBind) {
  const AllocationProblem problem{
      .groups = {{"stem", {{"int8", 8, 8, 0, {40, 1}}, {"int4", 4, 8, 1, {20, 1}}}},
                 {"body", {{"int8", 8, 8, 0, {900, 1}}, {"int4", 4, 8, 1, {450, 1}}}}},
      .limits = {{"flash_bytes", 300}, {"latency_ms", 10}},
      .edges = {}};
  const Allocation result = solve(problem);
  EXPECT_FALSE(result.feasible);
  EXPECT_TRUE(result.choice.empty());
  ASSERT_EQ(result.reachable.size(), 1U);
  EXPECT_EQ(result.reachable[0].smallest, 470);
  EXPECT_EQ(result.reachable[0].binding_groups, (std::vector<int>{1, 0}));
  EXPECT_THAT(result.explanation, HasSubstr("flash_bytes can be 470 at least"));
  EXPECT_THAT(result.explanation, HasSubstr("the limit is 300"));
  EXPECT_THAT(result.explanation, HasSubstr("body, stem"));
}

TEST(Solve, LimitsThatContradictEachOtherAreExplainedWithWhatIsReachableJointly) {
  const AllocationProblem problem{
      .groups = {{"conv", {{"small", 0, 0, 0, {1, 9}}, {"fast", 0, 0, 0, {9, 1}}}}},
      .limits = {{"flash_bytes", 5}, {"latency_ms", 5}},
      .edges = {}};
  const Allocation result = solve(problem);
  EXPECT_FALSE(result.feasible);
  ASSERT_EQ(result.reachable.size(), 2U);
  EXPECT_EQ(result.reachable[0].smallest, 1);
  EXPECT_EQ(result.reachable[0].smallest_jointly, 9);
  EXPECT_THAT(result.explanation, HasSubstr("no choice keeps the limits"));
  EXPECT_THAT(result.explanation, HasSubstr("with the other limits kept"));
}

TEST(Solve, LimitsThatContradictEachOtherAreFoundOutByTheBoundAlone) {
  Rng rng(8);
  AllocationProblem problem{.groups = {}, .limits = {{"a", 150}, {"b", 150}}, .edges = {}};
  for (int g = 0; g < 50; ++g) {
    AllocationGroup& group = problem.groups.emplace_back();
    group.name = "layer" + std::to_string(g);
    for (int o = 0; o < 6; ++o) {
      const double a = o + rng.uniform();
      group.options.push_back({"", 0, 0, rng.uniform(), {a, 7 - a}});
    }
  }
  const Allocation result = solve(problem);
  EXPECT_FALSE(result.feasible);
  EXPECT_LT(result.nodes, 1000);
  EXPECT_THAT(result.explanation, HasSubstr("no choice keeps the limits: a can be"));
}

TEST(Solve, MalformedProblemsAreRefusedAtTheirPlace) {
  AllocationProblem problem{
      .groups = {{"conv", {{"int8", 8, 8, 0, {}}}}}, .limits = {{"flash_bytes", 5}}, .edges = {}};
  EXPECT_THAT(message_of([&] { solve(problem); }), HasSubstr("option 'int8' of group 'conv'"));
  problem.groups[0].options[0] = {"int8", 8, 8, std::nan(""), {1}};
  EXPECT_THAT(message_of([&] { solve(problem); }), HasSubstr("nan"));
  problem.groups[0].options[0] = {"int8", 8, 8, 0, {1}, false};
  EXPECT_THAT(message_of([&] { solve(problem); }), HasSubstr("no option that the target allows"));
  problem.groups[0].options[0].allowed = true;
  problem.edges = {{0, 0, {}, {}}};
  EXPECT_THAT(message_of([&] { solve(problem); }), HasSubstr("edge 0"));
}

}  // namespace
}  // namespace hwnas::compression
