#include <gtest/gtest.h>

#include <set>

#include "core/config.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::spaces {
namespace {

constexpr Task kCifar10{{.channels = 3, .height = 32, .width = 32}, 10};

std::unique_ptr<SearchSpace> published_space() {
  return make_space(Config::load(HWNAS_SOURCE_DIR "/configs/spaces/nasbench201.yaml"), kCifar10);
}

/// "323123" as in the published tables.
Genotype genotype_of(std::string_view digits) {
  Genotype genotype;
  for (const char digit : digits)
    genotype.choices.push_back(static_cast<std::uint16_t>(digit - '0'));
  return genotype;
}

template <typename Visit>
void for_each_cell(Visit visit) {
  for (int cell = 0; cell < 15625; ++cell) {
    Genotype genotype{std::vector<std::uint16_t>(6)};
    for (int edge = 5, rest = cell; edge >= 0; --edge, rest /= 5) genotype.choices[edge] = rest % 5;
    visit(genotype);
  }
}

TEST(NasBench201, Has6466NetworksBehind15625Genotypes) {
  const auto space = published_space();
  std::set<Genotype> networks;
  for_each_cell([&](const Genotype& genotype) { networks.insert(space->canonical(genotype)); });
  EXPECT_EQ(networks.size(), 6466U);
}

TEST(NasBench201, DeadOperationsAreCanonicallyNone) {
  const auto space = published_space();
  const auto canonical = [&](std::string_view digits) {
    return space->canonical(genotype_of(digits));
  };
  EXPECT_EQ(canonical("300000"), genotype_of("000000"));  // node 1 is read by nobody
  EXPECT_EQ(canonical("000033"), canonical("000003"));    // 1->3 reads a node 1 that is zero
  EXPECT_EQ(canonical("111111"), canonical("111111"));
  EXPECT_NE(canonical("333333"), canonical("333332"));
}

TEST(NasBench201, MacsOfTheBestCellsAreThePublishedOnes) {
  const auto space = published_space();
  // Dong and Yang (2020), table 5 gives FLOPs in units of 10^6: 220.12 for five conv3x3 and a skip.
  const ir::Network all_conv3x3 = space->decode(genotype_of("333333"));
  EXPECT_NEAR(static_cast<double>(ir::macs(all_conv3x3)), 220.12e6, 1e6);
}

}  // namespace
}  // namespace hwnas::spaces
