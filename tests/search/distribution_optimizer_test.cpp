#include "search/distribution_optimizer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "core/error.hpp"
#include "tests/search/toy_space.hpp"

namespace hwnas::search {
namespace {

using spaces::Genotype;
using Loss = std::function<double(const Genotype&)>;

Distribution softmax_of(const PerOption& logits) {
  Distribution distribution{logits};
  for (std::vector<double>& options : distribution.probabilities) {
    double sum = 0;
    for (double& value : options) sum += value = std::exp(value);
    for (double& value : options) value /= sum;
  }
  return distribution;
}

double probability(const Distribution& distribution, const Genotype& genotype) {
  double product = 1;
  for (std::size_t i = 0; i < genotype.choices.size(); ++i) {
    product *= distribution.probabilities[i][genotype.choices[i]];
  }
  return product;
}

/// The slope of a function of the logits in each of them.
PerOption differences(PerOption logits, const std::function<double(const Distribution&)>& value) {
  constexpr double kStep = 1e-5;
  PerOption slopes = logits;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    for (std::size_t k = 0; k < logits[i].size(); ++k) {
      const double at = logits[i][k];
      logits[i][k] = at + kStep;
      const double above = value(softmax_of(logits));
      logits[i][k] = at - kStep;
      slopes[i][k] = (above - value(softmax_of(logits))) / (2 * kStep);
      logits[i][k] = at;
    }
  }
  return slopes;
}

void expect_near(const PerOption& found, const PerOption& expected, double tolerance) {
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (std::size_t k = 0; k < found[i].size(); ++k) {
      EXPECT_NEAR(found[i][k], expected[i][k], tolerance) << i << " " << k;
    }
  }
}

/// No sum over decisions, and not smooth.
double tangled_loss(const Genotype& genotype) {
  const double sum = 3.0 * genotype.choices[0] + genotype.choices[1];
  return std::fmod(sum * sum, 5) + (genotype.choices[0] == genotype.choices[1] ? 2 : 0);
}

const PerOption kLogits = {{0.3, -0.4, 0.9}, {-1, 0.5, 0}};

TEST(ExpectedLossGradient, IsOnAverageTheSlopeOfTheExactExpectation) {
  const ToySpace space(2, 3);
  const Distribution distribution = softmax_of(kLogits);
  const std::vector<Genotype> all = all_genotypes(space);
  const PerOption slopes = differences(kLogits, [&](const Distribution& changed) {
    double expectation = 0;
    for (const Genotype& g : all) expectation += probability(changed, g) * tangled_loss(g);
    return expectation;
  });
  // All pairs of draws, as often as they come: an average without noise.
  PerOption average{{0, 0, 0}, {0, 0, 0}};
  for (const Genotype& a : all) {
    for (const Genotype& b : all) {
      const ScoredDraw pair[] = {{a, tangled_loss(a)}, {b, tangled_loss(b)}};
      const PerOption gradient = expected_loss_gradient(distribution, pair);
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t k = 0; k < 3; ++k) {
          average[i][k] +=
              probability(distribution, a) * probability(distribution, b) * gradient[i][k];
        }
      }
    }
  }
  expect_near(average, slopes, 1e-8);
}

TEST(ExpectedLossGradient, DoesNotDependOnAConstantInTheLoss) {
  const Distribution distribution = softmax_of(kLogits);
  const ScoredDraw draws[] = {{{{0, 1}}, 1}, {{{2, 1}}, 3}, {{{2, 2}}, 2}};
  const ScoredDraw raised[] = {{{{0, 1}}, 1001}, {{{2, 1}}, 1003}, {{{2, 2}}, 1002}};
  expect_near(expected_loss_gradient(distribution, raised),
              expected_loss_gradient(distribution, draws), 1e-9);
}

TEST(EntropyGradient, IsTheSlopeOfTheEntropy) {
  expect_near(entropy_gradient(softmax_of(kLogits)), differences(kLogits, &Distribution::entropy),
              1e-8);
}

class Optimisation : public testing::Test {
 protected:
  void run(DistributionOptimizer& optimizer, int until, const Loss& dear, const Loss& cheap) const {
    while (optimizer.state().steps < until) {
      Rng rng(derive_seed(5, {static_cast<std::uint64_t>(optimizer.state().steps)}));
      const auto few = draw(optimizer.distribution(), 8, dear, rng);
      const auto many = draw(optimizer.distribution(), 200, cheap, rng);
      optimizer.step({few, many});
    }
  }

  static std::vector<ScoredDraw> draw(const Distribution& distribution, int count, const Loss& loss,
                                      Rng& rng) {
    std::vector<ScoredDraw> draws;
    for (int i = 0; i < count; ++i) {
      Genotype genotype = distribution.sample(rng);
      const double value = loss(genotype);
      draws.push_back({std::move(genotype), value});
    }
    return draws;
  }

  const ToySpace space_{6, 4};
};

/// In hundredths of a nat, as networks differ; least where choices are 1, 2, 3, 1, 2, 3.
double error_of(const Genotype& genotype) {
  double sum = 0;
  for (std::size_t i = 0; i < genotype.choices.size(); ++i) {
    const double d = static_cast<double>(genotype.choices[i]) - static_cast<double>(1 + i % 3);
    sum += 0.02 * d * d;
  }
  return sum;
}

double nothing(const Genotype&) {
  return 0;
}

TEST_F(Optimisation, FindsTheOptimumOfATable) {
  DistributionOptimizer optimizer(space_, {});
  run(optimizer, 200, error_of, nothing);
  EXPECT_EQ(optimizer.distribution().mode(), (Genotype{{1, 2, 3, 1, 2, 3}}));
  EXPECT_LT(optimizer.distribution().entropy(), 0.5 * 6 * std::log(4));
}

TEST_F(Optimisation, KeepsALimitThatOnlyTheCheapTermKnows) {
  const auto total = [](const Genotype& genotype) {
    int sum = 0;
    for (const int choice : genotype.choices) sum += choice;
    return sum;
  };
  DistributionOptimizer optimizer(space_, {});
  run(optimizer, 200, error_of,
      [&](const Genotype& g) { return total(g) > 8 ? 2 * (1 + std::log(total(g) / 8.0)) : 0; });
  const Genotype mode = optimizer.distribution().mode();
  EXPECT_LE(total(mode), 8);
  // The best that keeps it errs by 0.08: four steps down, each from another decision.
  EXPECT_LT(error_of(mode), 0.16);
}

TEST_F(Optimisation, WithEntropyStaysOpenAsBoltzmannWould) {
  const ToySpace space(1, 2);
  // Its weight as good as constant, so that the distribution settles at exp(-loss / weight).
  DistributionOptimizer optimizer(space,
                                  {.steps = 1'000'000, .learning_rate = 0.05, .entropy = 0.1});
  run(optimizer, 600, nothing, [](const Genotype& g) { return 0.1 * g.choices[0]; });
  EXPECT_NEAR(optimizer.distribution().probabilities[0][0], 1 / (1 + std::exp(-1)), 0.04);
}

TEST_F(Optimisation, GoesOnFromItsStateAsIfNeverInterrupted) {
  DistributionOptimizer unbroken(space_, {});
  run(unbroken, 40, error_of, nothing);
  DistributionOptimizer first(space_, {}), second(space_, {});
  run(first, 17, error_of, nothing);
  second.restore(first.state());
  run(second, 40, error_of, nothing);
  EXPECT_EQ(second.distribution().probabilities, unbroken.distribution().probabilities);
}

TEST_F(Optimisation, RefusesTheStateOfAnotherSpace) {
  DistributionOptimizer optimizer(space_, {}), other(ToySpace(6, 3), {});
  EXPECT_THROW(optimizer.restore(other.state()), Error);
}

}  // namespace
}  // namespace hwnas::search
