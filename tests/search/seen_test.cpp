#include "search/seen.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/search/toy_space.hpp"

namespace hwnas::search {
namespace {

using spaces::Genotype;

TEST(KeySet, HoldsWhatWasInsertedWhateverTheKeys) {
  Rng rng(3);
  KeySet keys;
  std::set<std::uint64_t> expected;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t key = rng.index(3000) - 1000;  // 0 and ~0 among them
    EXPECT_EQ(keys.insert(key), expected.insert(key).second);
  }
  EXPECT_EQ(keys.size(), expected.size());
}

TEST(Seen, ClaimsACanonicalGenotypeOnce) {
  const ToySpace space(3, 3, true);
  Seen seen(space);
  EXPECT_EQ(seen.claim({{0, 2, 1}}), (Genotype{{0, 0, 1}}));
  EXPECT_EQ(seen.claim({{0, 1, 1}}), std::nullopt);
  EXPECT_EQ(seen.claim({{1, 1, 1}}), (Genotype{{1, 1, 1}}));
  EXPECT_EQ(seen.size(), 2U);
}

TEST(Seen, DrawsEveryCanonicalGenotypeAndThenNothing) {
  const ToySpace space(4, 3, true);
  const std::set<Genotype> all = all_canonical(space);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    Seen seen(space);
    std::set<Genotype> drawn;
    while (const auto genotype = seen.claim_random(rng)) {
      EXPECT_TRUE(drawn.insert(*genotype).second);
    }
    EXPECT_EQ(drawn, all);
    EXPECT_EQ(seen.claim_random(rng), std::nullopt);
  }
}

/// 2^40 genotypes that stand for two things.
class TwoThings final : public spaces::DecisionSpace {
 public:
  std::span<const spaces::Decision> decisions() const override { return decisions_; }
  spaces::Genotype canonical(const spaces::Genotype& genotype) const override {
    spaces::Genotype result{std::vector<std::uint16_t>(40)};
    result.choices[0] = genotype.choices[0];
    return result;
  }

 private:
  std::vector<spaces::Decision> decisions_ = std::vector<spaces::Decision>(40, {"d", {"0", "1"}});
};

TEST(Seen, GivesUpAWalkAmongGenotypesThatAllStandForSeenOnes) {
  const TwoThings space;
  Seen seen(space);
  Rng rng(1);
  EXPECT_TRUE(seen.claim_random(rng));
  EXPECT_TRUE(seen.claim_random(rng));
  EXPECT_FALSE(seen.claim_random(rng));
  EXPECT_FALSE(seen.claim_random(rng));
}

TEST(Seen, NumbersGenotypesWithoutCollisions) {
  const ToySpace space(4, 3);
  const Seen seen(space);
  std::set<std::uint64_t> keys;
  for (const Genotype& genotype : all_genotypes(space)) keys.insert(seen.key(genotype));
  EXPECT_EQ(keys.size(), 81U);
}

TEST(Seen, TellsGenotypesOfSpacesBeyond64BitsApart) {
  const ToySpace space(100, 10);
  Rng rng(1);
  Seen seen(space);
  Genotype genotype = spaces::sample(space, rng);
  for (int i = 0; i < 20'000; ++i) {
    EXPECT_TRUE(seen.claim(genotype));
    EXPECT_FALSE(seen.claim(genotype));
    for (std::uint16_t& choice : genotype.choices) {  // counts in base 10
      if (++choice < 10) break;
      choice = 0;
    }
  }
}

}  // namespace
}  // namespace hwnas::search
