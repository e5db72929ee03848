#include "search/nsga2.hpp"

#include <gtest/gtest.h>

#include "search/pareto.hpp"
#include "search/random.hpp"
#include "tests/search/simulation.hpp"
#include "tests/search/toy_space.hpp"

namespace hwnas::search {
namespace {

const std::vector<double> kReference = {40, 40};

/// A bent front: the two goals want different choices, and every other decision interacts.
std::vector<double> two_goals(const spaces::Genotype& genotype) {
  double a = 0;
  double b = 0;
  for (std::size_t i = 0; i < genotype.choices.size(); ++i) {
    const double x = genotype.choices[i];
    const double next = genotype.choices[(i + 1) % genotype.choices.size()];
    a += x * x;
    b += (3 - x) * (3 - x) + (x == next ? 0 : 0.7);
  }
  return {a, b};
}

double hypervolume_of(const std::vector<std::vector<double>>& all) {
  ParetoArchive archive;
  for (const auto& objectives : all) archive.insert({.id = 0, .objectives = objectives});
  return hypervolume(archive.points(), kReference);
}

template <typename S>
double share_found(const spaces::SearchSpace& space, S strategy, std::size_t window) {
  std::vector<std::vector<double>> front;
  for (const spaces::Genotype& g : all_genotypes(space)) front.push_back(two_goals(g));
  Simulation simulation(strategy, window, [](Trial& trial) {
    trial.state = TrialState::kComplete;
    trial.objectives = two_goals(trial.genotype);
  });
  simulation.run_until(300);
  std::vector<std::vector<double>> found;
  for (const Trial& trial : simulation.finished()) found.push_back(trial.objectives);
  return hypervolume_of(found) / hypervolume_of(front);
}

TEST(Nsga2, FindsNearlyAllOfTheFrontOfASmallTable) {
  const ToySpace space(6, 4);
  double random = 0;
  double nsga2 = 0;
  double ahead = 0;
  constexpr int kSeeds = 10;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    random += share_found(space, RandomSearch(space, seed), 1) / kSeeds;
    nsga2 += share_found(space, Nsga2(space, 2, seed), 1) / kSeeds;
    ahead += share_found(space, Nsga2(space, 2, seed), 8) / kSeeds;
  }
  EXPECT_GT(nsga2, 0.97);
  EXPECT_GT(ahead, 0.96);
  EXPECT_LT(random, 0.93);
}

TEST(Nsga2, BreedsFromWhatIsKnownWhileTheFirstGenerationIsIncomplete) {
  const ToySpace space(12, 9);
  Nsga2 strategy(space, 1, 1, {.population = 4});
  const std::vector<Proposal> first = strategy.ask(4);
  const Trial only{
      .id = 0, .genotype = first[0].genotype, .state = TrialState::kComplete, .objectives = {1}};
  strategy.tell({&only, 1});
  const spaces::Genotype child = strategy.ask(1).at(0).genotype;
  int equal = 0;
  for (std::size_t i = 0; i < 12; ++i) equal += child.choices[i] == only.genotype.choices[i];
  EXPECT_GE(equal, 7) << "a mutant of the one known parent, not a random draw";
}

}  // namespace
}  // namespace hwnas::search
