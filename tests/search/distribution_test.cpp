#include "search/distribution.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "tests/search/toy_space.hpp"

namespace hwnas::search {
namespace {

using spaces::Genotype;

const Distribution kSkewed{{{0.7, 0.1, 0.2}, {0, 0.25, 0.75}}};

TEST(Distribution, DrawsEachOptionAsOftenAsItIsLikely) {
  constexpr int kDraws = 20'000;
  Rng rng(1);
  PerOption counts{{0, 0, 0}, {0, 0, 0}};
  for (int i = 0; i < kDraws; ++i) {
    const Genotype genotype = kSkewed.sample(rng);
    for (std::size_t d = 0; d < 2; ++d) counts[d][genotype.choices[d]] += 1.0 / kDraws;
  }
  for (std::size_t d = 0; d < 2; ++d) {
    for (std::size_t k = 0; k < 3; ++k) {
      EXPECT_NEAR(counts[d][k], kSkewed.probabilities[d][k], 0.015);
    }
  }
  EXPECT_EQ(counts[1][0], 0);
}

TEST(Distribution, HasTheLikeliestOptionsAsItsMode) {
  EXPECT_EQ(kSkewed.mode(), (Genotype{{0, 2}}));
  EXPECT_EQ(uniform_distribution(ToySpace(3, 4)).mode(), (Genotype{{0, 0, 0}}));
}

TEST(Distribution, HasTheEntropyOfAllItsDecisions) {
  EXPECT_NEAR(uniform_distribution(ToySpace(3, 4)).entropy(), 3 * std::log(4), 1e-12);
  EXPECT_EQ((Distribution{{{0, 1}, {1}}}).entropy(), 0);
}

TEST(Distribution, IsRefusedWithTheDecisionThatItDoesNotFit) {
  const ToySpace space(2, 3);
  EXPECT_NO_THROW(require_fit(kSkewed, space));
  const PerOption wrong[] = {{{0.7, 0.1, 0.2}, {0.5, 0.5}},
                             {{0.7, 0.1, 0.2}, {0.7, 0.7, -0.4}},
                             {{0.7, 0.1, 0.2}, {0.1, 0.1, 0.1}},
                             {{0.7, 0.1, 0.2}, {NAN, 0.5, 0.5}}};
  for (const PerOption& probabilities : wrong) {
    try {
      require_fit({probabilities}, space);
      ADD_FAILURE() << "it was taken";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("width1"));
    }
  }
  EXPECT_THROW(require_fit(kSkewed, ToySpace(3, 3)), Error);
}

}  // namespace
}  // namespace hwnas::search
