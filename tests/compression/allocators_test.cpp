#include "compression/allocators.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <ostream>
#include <string>

#include "compression/hawq.hpp"
#include "estimators/deployment.hpp"
#include "tests/compression/random_allocation.hpp"
#include "tests/core/message_of.hpp"
#include "tests/estimators/device_files.hpp"
#include "tests/estimators/networks.hpp"

namespace hwnas::compression {

std::ostream& operator<<(std::ostream& out, const AllocatorInfo& info) {
  return out << info.name;
}

namespace {

using testing::Edges;
using ::testing::HasSubstr;

/// Small agents and few episodes: what counts here is that promises are kept.
AllocatorInputs quick_inputs(std::uint64_t seed) {
  AllocatorInputs inputs;
  inputs.seed = seed;
  inputs.haq.episodes = 30;
  inputs.haq.warm_up = 10;
  inputs.haq.agent.hidden = 16;
  inputs.haq.agent.batch = 8;
  return inputs;
}

/// Weights of 8, 4 or 2 bits in ResNet-8 on a device, within a share of the 8-bit costs.
AllocationProblem resnet_problem(double share) {
  const PrecisionSpace space = precision_space(
      estimators::deploy(estimators::testing::resnet8()).network,
      {{ir::WeightFormat::kInt8, 8}, {ir::WeightFormat::kInt4, 8}, {ir::WeightFormat::kInt2, 8}});
  SensitivityTable sensitivities;
  for (std::size_t g = 0; g < space.groups.size(); ++g) {
    const double scale = 1 + static_cast<double>(g % 3);
    sensitivities.push_back({0, scale, 9 * scale});
  }
  const estimators::DeviceProfile device = estimators::testing::device("gap9");
  AllocationProblem problem =
      allocation_problem(space, sensitivities, device, device.runtimes.front(),
                         {{"flash_bytes", 0}, {"latency_ms", 0}});
  const AllocationValue full = evaluate(problem, std::vector<int>(problem.groups.size(), 0));
  for (std::size_t k = 0; k < 2; ++k) problem.limits[k].limit = share * full.costs[k];
  return problem;
}

std::vector<AllocationProblem> problems() {
  std::vector<AllocationProblem> result = {resnet_problem(1), resnet_problem(0.85),
                                           resnet_problem(0.1)};
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    result.push_back(testing::random_problem({"", 8, 6, 1, Edges::kNone}, seed));
    result.push_back(testing::random_problem({"", 8, 6, 2, Edges::kNone}, seed));
    result.push_back(testing::random_problem({"", 8, 4, 2, Edges::kChain}, seed));
  }
  return result;
}

class AllocatorConformance : public ::testing::TestWithParam<AllocatorInfo> {};

TEST_P(AllocatorConformance, KeepsTheLimitsAndNeverBeatsTheExactOptimum) {
  int feasible = 0;
  for (const AllocationProblem& problem : problems()) {
    const Allocation best = solve(problem);
    const Allocation result = GetParam().allocate(problem, quick_inputs(1));
    if (!result.feasible) {
      EXPECT_FALSE(result.explanation.empty());
      EXPECT_TRUE(result.choice.empty());
      continue;
    }
    ++feasible;
    ASSERT_TRUE(best.feasible) << "a choice where there is none";
    ASSERT_EQ(result.choice.size(), problem.groups.size());
    const AllocationValue value = evaluate(problem, result.choice);
    EXPECT_TRUE(keeps_limits(problem, value));
    EXPECT_EQ(result.value.objective, value.objective);
    EXPECT_EQ(result.value.costs, value.costs);
    EXPECT_GE(value.objective, best.value.objective - 1e-9);
    EXPECT_LE(result.lower_bound, best.value.objective + 1e-9);
    EXPECT_GE(result.gap(), 0);
    for (std::size_t g = 0; g < result.choice.size(); ++g) {
      EXPECT_TRUE(problem.groups[g].options[result.choice[g]].allowed);
    }
  }
  EXPECT_GE(feasible, 4);
}

TEST_P(AllocatorConformance, IsTheSameForTheSameSeed) {
  const AllocationProblem problem = resnet_problem(0.85);
  EXPECT_EQ(GetParam().allocate(problem, quick_inputs(5)).choice,
            GetParam().allocate(problem, quick_inputs(5)).choice);
}

TEST_P(AllocatorConformance, MalformedProblemsAreRefused) {
  EXPECT_THAT(message_of([&] { GetParam().allocate({}, quick_inputs(1)); }),
              HasSubstr("at least one group"));
}

INSTANTIATE_TEST_SUITE_P(All, AllocatorConformance, ::testing::ValuesIn(allocators()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Allocators, AnUnknownOneIsRefusedWithTheKnownOnes) {
  EXPECT_THAT(message_of([] { allocator("hawq"); }), HasSubstr("hawq_v3"));
}

TEST(HawqV3, ChoosesByItsOwnObjectiveAmongFourAndEightBits) {
  const AllocationProblem problem{
      .groups = {{"a", {{"w8a8", 8, 8, 0, {8}}, {"w4a4", 4, 4, 5, {4}}, {"w2a2", 2, 2, 0, {2}}}},
                 {"b", {{"w8a8", 8, 8, 0, {8}}, {"w4a4", 4, 4, 1, {4}}, {"w2a2", 2, 2, 0, {2}}}}},
      .limits = {{"flash_bytes", 12}},
      .edges = {}};
  EXPECT_EQ(allocate_hawq_v3(problem, {}).choice, (std::vector<int>{0, 1}));
  const Allocation result = allocate_hawq_v3(problem, {{0, 1, 0}, {0, 5, 0}});
  EXPECT_EQ(result.choice, (std::vector<int>{1, 0}));
  EXPECT_EQ(result.value.objective, 5) << "of the problem";
  EXPECT_EQ(result.lower_bound, 0);
  EXPECT_THAT(message_of([&] { allocate_hawq_v3(problem, {{0}}); }), HasSubstr("2 groups"));
}

/// How often each choice comes out of random episodes.
std::map<std::vector<int>, int> random_episodes(const AllocationProblem& problem) {
  HaqInputs inputs = quick_inputs(1).haq;
  inputs.episodes = inputs.warm_up = 400;
  std::map<std::vector<int>, int> counts;
  inputs.reward = [&](const std::vector<int>& choice) {
    ++counts[choice];
    return 0.0;
  };
  allocate_haq(problem, inputs, 2);
  return counts;
}

TEST(Haq, LowersActivationsBeforeWeightsAndTheLastGroupBeforeOthers) {
  const AllocationProblem bits{.groups = {{"layer",
                                           {{"w2a2", 2, 2, 0, {1}},
                                            {"w2a4", 2, 4, 0, {2}},
                                            {"w4a2", 4, 2, 0, {2}},
                                            {"w4a4", 4, 4, 0, {3}}}}},
                               .limits = {{"cycles", 2}},
                               .edges = {}};
  std::map<std::vector<int>, int> counts = random_episodes(bits);
  EXPECT_EQ(counts[{3}], 0) << "over the limit";
  EXPECT_GT(counts[{1}], 50);
  EXPECT_GT(counts[{2}], 1.5 * counts[{1}]) << "w4a4 becomes w4a2";

  const AllocationGroup group{"layer", {{"a2", 8, 2, 0, {1}}, {"a4", 8, 4, 0, {2}}}};
  counts = random_episodes({.groups = {group, group}, .limits = {{"cycles", 3}}, .edges = {}});
  EXPECT_EQ((counts[{1, 1}]), 0);
  EXPECT_GT((counts[{1, 0}]), 1.5 * (counts[{0, 1}])) << "the last of two is lowered";
}

TEST(Haq, LearnsWhichGroupsAreWorthTheirBits) {
  AllocationProblem problem{.groups = {}, .limits = {{"cycles", 100}}, .edges = {}};
  for (int g = 0; g < 3; ++g) {
    AllocationGroup& group = problem.groups.emplace_back();
    group.name = "layer" + std::to_string(g);
    for (int bits = 2; bits <= 8; ++bits) {
      group.options.push_back({"w" + std::to_string(bits), bits, 8, 0, {1.0 * bits}});
    }
  }
  HaqInputs inputs = quick_inputs(3).haq;
  inputs.episodes = 250;
  inputs.noise_decay = 0.98;
  inputs.agent.actor_rate = 1e-3F;
  inputs.agent.critic_rate = 1e-2F;
  std::vector<double> rewards;
  inputs.reward = [&](const std::vector<int>& choice) {
    rewards.push_back(0.1 * (choice[2] - choice[0]));
    return rewards.back();
  };
  const Allocation result = allocate_haq(problem, inputs, 3);
  EXPECT_EQ(result.choice[0], 0);
  EXPECT_EQ(result.choice[2], 6);
  EXPECT_LT(std::accumulate(rewards.begin(), rewards.begin() + 30, 0.0) / 30, 0.3);
  EXPECT_GT(std::accumulate(rewards.end() - 30, rewards.end(), 0.0) / 30, 0.5);
}

TEST(Haq, SeesTheLayersOfASpace) {
  const PrecisionSpace space = precision_space(
      estimators::deploy(estimators::testing::ds_cnn()).network, {{ir::WeightFormat::kInt8, 8}});
  const std::vector<HaqLayer> layers = haq_layers(space);
  ASSERT_EQ(layers.size(), space.groups.size() + 1) << "and one for the other layers";
  EXPECT_FALSE(layers[0].depthwise);
  EXPECT_EQ(layers[0].in_channels, 1);
  EXPECT_EQ(layers[0].stride, 2);
  EXPECT_TRUE(layers[1].depthwise);
  EXPECT_EQ(layers[1].out_channels, 64);
}

}  // namespace
}  // namespace hwnas::compression
