#include "search/local_search.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/search/simulation.hpp"
#include "tests/search/toy_space.hpp"

namespace hwnas::search {
namespace {

using spaces::Genotype;

/// Falls towards all zeros.
void downhill(Trial& trial) {
  double sum = 0;
  for (const std::uint16_t choice : trial.genotype.choices) sum += choice;
  trial.state = TrialState::kComplete;
  trial.objectives = {sum};
}

/// Genotypes of trials [first, last).
std::set<Genotype> genotypes(const std::vector<Trial>& trials, std::size_t first,
                             std::size_t last) {
  std::set<Genotype> result;
  for (std::size_t i = first; i < last; ++i) result.insert(trials[i].genotype);
  return result;
}

std::set<Genotype> neighbourhood(const spaces::SearchSpace& space, const Genotype& centre) {
  const std::vector<Genotype> all = spaces::neighbours(space, centre);
  return {all.begin(), all.end()};
}

TEST(LocalSearch, EvaluatesAllNeighboursThenMovesToTheBest) {
  const ToySpace space(6, 4);
  LocalSearch strategy(space, 4);
  Simulation simulation(strategy, 1, downhill);
  simulation.run_until(20);
  const std::vector<Trial>& trials = simulation.finished();
  EXPECT_EQ(genotypes(trials, 1, 19), neighbourhood(space, trials[0].genotype));

  const auto best =
      std::min_element(trials.begin() + 1, trials.begin() + 19,
                       [](const Trial& a, const Trial& b) { return a.objectives < b.objectives; });
  EXPECT_TRUE(neighbourhood(space, best->genotype).contains(trials[19].genotype));
}

TEST(LocalSearch, ReachesTheOptimumByDescentAndThenRestarts) {
  const ToySpace space(6, 4);
  LocalSearch strategy(space, 4);
  Simulation simulation(strategy, 1, downhill);
  simulation.run_until(1 + 6 * 18);
  EXPECT_EQ(simulation.best(1 + 6 * 18), 0);
  // All known: the descent is over, and what follows is anywhere.
  simulation.run_until(1 + 6 * 18 + 19);
  EXPECT_GT(simulation.finished().back().objectives[0], 2);
}

TEST(LocalSearch, BeginsAnotherClimbRatherThanWait) {
  const ToySpace space(6, 4);
  LocalSearch strategy(space, 4);
  const std::vector<Proposal> proposals = strategy.ask(38);
  ASSERT_EQ(proposals.size(), 38U);
  const std::set<Genotype> first = neighbourhood(space, proposals[0].genotype);
  EXPECT_FALSE(first.contains(proposals[19].genotype));
  EXPECT_TRUE(neighbourhood(space, proposals[19].genotype).contains(proposals[20].genotype));
}

}  // namespace
}  // namespace hwnas::search
