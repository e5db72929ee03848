#include "spaces/search_space.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <unordered_set>

#include "core/error.hpp"

namespace hwnas::spaces {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

/// Decisions of 3, 1 and 2 options.
class ThreeDecisions final : public SearchSpace {
 public:
  std::span<const Decision> decisions() const override { return decisions_; }
  ir::Network decode(const Genotype&) const override { return {}; }

 private:
  std::vector<Decision> decisions_ = {
      {"depth", {"1", "2", "3"}, true}, {"kernel", {"5"}, true}, {"activation", {"relu", "relu6"}}};
};

class OneNetwork final : public SearchSpace {
 public:
  std::span<const Decision> decisions() const override { return {}; }
  ir::Network decode(const Genotype&) const override { return {}; }
};

void expect_error(const auto& action, const std::string& message) {
  try {
    action();
    ADD_FAILURE() << "expected an error with: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

TEST(Genotype, TextIsReadBack) {
  for (const Genotype& genotype : {Genotype{{}}, Genotype{{7}}, Genotype{{3, 0, 65535}}}) {
    EXPECT_EQ(genotype_from_string(to_string(genotype)), genotype);
  }
  EXPECT_EQ(to_string({{3, 0, 1}}), "3-0-1");
}

TEST(Genotype, MalformedTextIsRefused) {
  for (const char* text : {"-", "1-", "-1", "1--2", "a", "1-b", "1 2", "65536", "1-2 ", "+1"}) {
    EXPECT_THROW(genotype_from_string(text), Error) << text;
  }
}

TEST(Genotype, HashesOfASmallSpaceDiffer) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint16_t a = 0; a < 30; ++a) {
    for (std::uint16_t b = 0; b < 30; ++b) hashes.insert(GenotypeHash{}({{a, b}}));
  }
  EXPECT_EQ(hashes.size(), 900U);
}

TEST(RequireMember, NamesWhatIsWrong) {
  const ThreeDecisions space;
  EXPECT_NO_THROW(require_member(space, {{2, 0, 1}}));
  expect_error([&] { require_member(space, {{2, 0}}); }, "2 choices, but the space has 3");
  expect_error([&] { require_member(space, {{2, 0, 2}}); }, "choice 2 of 'activation'");
}

TEST(Log10Size, IsTheProductOfOptions) {
  EXPECT_DOUBLE_EQ(log10_size(ThreeDecisions{}), std::log10(6));
  EXPECT_EQ(log10_size(OneNetwork{}), 0);
}

TEST(Sample, IsUniformOverGenotypes) {
  const ThreeDecisions space;
  Rng rng(1);
  std::map<Genotype, int> counts;
  constexpr int kSamples = 6000;
  for (int i = 0; i < kSamples; ++i) ++counts[sample(space, rng)];
  ASSERT_EQ(counts.size(), 6U);
  double chi_squared = 0;
  for (const auto& [genotype, count] : counts) chi_squared += std::pow(count - 1000.0, 2) / 1000;
  EXPECT_LT(chi_squared, 20.5);  // 5 degrees of freedom: exceeded with probability 0.001
}

TEST(Mutate, ReachesEveryNeighbourAndNothingElse) {
  const ThreeDecisions space;
  const Genotype parent{{1, 0, 1}};
  Rng rng(2);
  std::map<Genotype, int> children;
  for (int i = 0; i < 4000; ++i) ++children[mutate(space, parent, rng)];
  ASSERT_EQ(children.size(), 3U);
  EXPECT_NEAR((children[{{1, 0, 0}}]), 2000, 150);  // each decision with equal probability
  EXPECT_NEAR((children[{{0, 0, 1}}]), 1000, 120);
  EXPECT_NEAR((children[{{2, 0, 1}}]), 1000, 120);
}

TEST(Mutate, LeavesTheOnlyNetworkAlone) {
  Rng rng(3);
  EXPECT_EQ(mutate(OneNetwork{}, {}, rng), Genotype{});
}

TEST(Crossover, TakesEveryChoiceFromEitherParent) {
  const Genotype a{{0, 0, 0}};
  const Genotype b{{1, 2, 3}};
  Rng rng(4);
  std::map<Genotype, int> children;
  for (int i = 0; i < 4000; ++i) ++children[crossover(a, b, rng)];
  EXPECT_EQ(children.size(), 8U);
  for (const auto& [child, count] : children) EXPECT_NEAR(count, 500, 110) << to_string(child);
}

TEST(Neighbours, AreAllThatDifferInOneDecision) {
  EXPECT_THAT(neighbours(ThreeDecisions{}, {{1, 0, 1}}),
              UnorderedElementsAre(Genotype{{0, 0, 1}}, Genotype{{2, 0, 1}}, Genotype{{1, 0, 0}}));
}

TEST(Encode, IsOneHot) {
  EXPECT_THAT(encode(ThreeDecisions{}, {{1, 0, 1}}), ElementsAre(0, 1, 0, 1, 0, 1));
}

TEST(Describe, NamesDecisionsAndOptions) {
  EXPECT_EQ(describe(ThreeDecisions{}, {{1, 0, 1}}), "depth=2 kernel=5 activation=relu6");
}

}  // namespace
}  // namespace hwnas::spaces
