#include "search/aging_evolution.hpp"

#include <gtest/gtest.h>

#include "tests/search/simulation.hpp"
#include "tests/search/toy_space.hpp"

namespace hwnas::search {
namespace {

std::size_t differences(const spaces::Genotype& a, const spaces::Genotype& b) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.choices.size(); ++i) count += a.choices[i] != b.choices[i];
  return count;
}

/// The first trial is the best that ever was.
void declining(Trial& trial) {
  trial.state = TrialState::kComplete;
  trial.objectives = {static_cast<double>(trial.id)};
}

TEST(AgingEvolution, ProposesMutantsInOneDecisionOfTheBestOfTheSample) {
  const ToySpace space(12, 9);
  AgingEvolution strategy(space, 1, {.population = 5, .sample = 200});
  Simulation simulation(strategy, 1, declining);
  simulation.run_until(6);
  const std::vector<Trial>& trials = simulation.finished();
  EXPECT_EQ(differences(trials[5].genotype, trials[0].genotype), 1U);
}

TEST(AgingEvolution, LetsTheOldestDieHoweverGood) {
  const ToySpace space(12, 9);
  AgingEvolution strategy(space, 1, {.population = 5, .sample = 200});
  Simulation simulation(strategy, 1, declining);
  simulation.run_until(60);
  const std::vector<Trial>& trials = simulation.finished();
  for (std::size_t i = 5; i < trials.size(); ++i) {
    EXPECT_EQ(differences(trials[i].genotype, trials[i - 5].genotype), 1U) << i;
  }
}

TEST(AgingEvolution, DrawsAtRandomUntilAResultIsThere) {
  const ToySpace space(12, 9);
  AgingEvolution strategy(space, 1, {.population = 2, .sample = 2});
  const std::vector<Proposal> proposals = strategy.ask(20);
  for (std::size_t i = 1; i < proposals.size(); ++i) {
    EXPECT_GT(differences(proposals[i].genotype, proposals[i - 1].genotype), 3U);
  }
}

}  // namespace
}  // namespace hwnas::search
