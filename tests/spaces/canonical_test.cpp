#include <gtest/gtest.h>

#include <map>

#include "core/config.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::spaces {
namespace {

struct SmallSpace {
  std::string name;
  std::string yaml;
  Task task;
  std::size_t networks;  ///< distinct ones, counted by hand
};

const Task kImages{{.channels = 3, .height = 16, .width = 16}, 4};
const Task kSeries{{.channels = 3, .height = 1, .width = 40}, 4};

// Small enough to enumerate, and full of genotypes that mean the same network.
const SmallSpace kSmallSpaces[] = {
    {"MobileWithIgnoredBlocks", R"(
family: mobile
per_block: true
stem: { channels: [8, 16] }
stages:
  - depth: [0, 1, 3]
    channels: [8, 16]
    kernel: [3, 5]
    expansion: [1, 1.01, 2]
    stride: [1, 2]
)",
     kImages, 2 * (1 + 2 * 2 * 4 + 2 * 2 * 4 * 4 * 4)},
    {"MobileWithCollidingMultipliers", R"(
family: mobile
width_multiplier: [0.25, 0.3, 0.5, 0.52, 1.0]
activation: [relu, hard_swish]
stem: { channels: 8 }
stages:
  - { depth: 1, channels: 16, expansion: [1, 3], squeeze_excite: [false, true] }
  - { depth: [0, 1], channels: 32, expansion: 2, activation: [relu, relu6] }
head: { channels: 64, features: [0, 16] }
)",
     kImages, 4 * 2 * 2 * 2 * (1 + 2) * 2},
    {"DscnnPerBlock", R"(
family: dscnn
per_block: true
stem: { channels: [4, 8], kernel: [10x4, 3x3] }
blocks: { depth: [1, 2, 3], channels: [4, 8], kernel: [3, 5x3], first_stride: [1, 2] }
)",
     kImages, 4 * 2 * (4 + 4 * 4 + 4 * 4 * 4)},
    {"DscnnWithMultipliers", R"(
family: dscnn
width_multiplier: [0.5, 0.55, 1]
divisor: 4
stem: { channels: 8, kernel: [3, 5], stride: [1x1, 2x1] }
blocks: { depth: [1, 2], channels: 12 }
)",
     kImages, 2 * 2 * 2 * 2},
    {"Resnet", R"(
family: resnet
width_multiplier: [0.5, 0.51, 1, 2]
activation: [relu, relu6]
stem: { channels: 8, kernel: [3, 5] }
stages:
  - { depth: [1, 2], channels: 8, stride: [1, 2] }
  - { depth: [1, 2], channels: 16, stride: 2, kernel: [1, 3] }
)",
     kImages, 3 * 2 * 2 * 2 * 2 * 2 * 2},
    {"Conv1d", R"(
family: conv1d
stages:
  - { depth: [1, 2], channels: [4, 8], kernel: [3, 8], stride: [1, 4], separable: [false, true] }
  - { depth: 1, channels: [4, 6], kernel: [1, 5], separable: [false, true] }
)",
     kSeries, 32 * 8},
    {"NasBench201", "{family: nasbench201, cells_per_stage: 1, channels: 4}", kImages, 6466},
};

std::vector<Genotype> all_genotypes(const SearchSpace& space) {
  std::vector<Genotype> genotypes = {{}};
  for (const Decision& decision : space.decisions()) {
    std::vector<Genotype> longer;
    for (const Genotype& genotype : genotypes) {
      for (std::size_t option = 0; option < decision.options.size(); ++option) {
        longer.push_back(genotype);
        longer.back().choices.push_back(static_cast<std::uint16_t>(option));
      }
    }
    genotypes = std::move(longer);
  }
  return genotypes;
}

class Canonical : public testing::TestWithParam<SmallSpace> {};

TEST_P(Canonical, IsEqualExactlyWhereNetworksAreEqual) {
  const auto space = make_space(Config::parse(GetParam().yaml, "space.yaml"), GetParam().task);
  std::map<Genotype, std::uint64_t> network_of;
  std::map<std::uint64_t, Genotype> genotype_of;
  for (const Genotype& genotype : all_genotypes(*space)) {
    const Genotype canonical = space->canonical(genotype);
    const std::uint64_t network = ir::stable_hash(space->decode(genotype));
    ASSERT_EQ(network_of.emplace(canonical, network).first->second, network)
        << describe(*space, genotype) << "\nand " << describe(*space, canonical)
        << "\nhave one canonical genotype, but different networks";
    ASSERT_EQ(genotype_of.emplace(network, canonical).first->second, canonical)
        << describe(*space, genotype) << "\nhas an earlier network, but another canonical genotype";
  }
  EXPECT_EQ(genotype_of.size(), GetParam().networks);
}

TEST_P(Canonical, IsIdempotentAndNotLargerThanTheGenotype) {
  const auto space = make_space(Config::parse(GetParam().yaml, "space.yaml"), GetParam().task);
  for (const Genotype& genotype : all_genotypes(*space)) {
    const Genotype canonical = space->canonical(genotype);
    EXPECT_EQ(space->canonical(canonical), canonical);
    EXPECT_LE(canonical, genotype);
  }
}

INSTANTIATE_TEST_SUITE_P(Families, Canonical, testing::ValuesIn(kSmallSpaces),
                         [](const auto& small) { return small.param.name; });

}  // namespace
}  // namespace hwnas::spaces
