// What every strategy promises, over every row of the registry.

#include "search/strategy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "core/error.hpp"
#include "search/aging_evolution.hpp"
#include "search/local_search.hpp"
#include "search/nsga2.hpp"
#include "search/random.hpp"
#include "tests/search/simulation.hpp"
#include "tests/search/toy_space.hpp"

namespace hwnas::search {
namespace {

using spaces::Genotype;

Config options_of(std::string_view strategy, std::string_view more = "") {
  return Config::parse(fmt::format("strategy: {}\n{}", strategy, more), "test.yaml");
}

/// Distance of the choices from 1, 2, 3, 1, 2, 3, …: one optimum, reached one decision at a time.
double distance_from_pattern(const Genotype& genotype) {
  double sum = 0;
  for (std::size_t i = 0; i < genotype.choices.size(); ++i) {
    const double d = static_cast<double>(genotype.choices[i]) - static_cast<double>(1 + i % 3);
    sum += d * d;
  }
  return sum;
}

double total(const Genotype& genotype) {
  return std::accumulate(genotype.choices.begin(), genotype.choices.end(), 0.0);
}

void complete(Trial& trial) {
  trial.state = TrialState::kComplete;
  trial.objectives = {distance_from_pattern(trial.genotype), total(trial.genotype)};
}

/// Every way for a trial to end, among them a complete one with a NaN.
void mixed_ends(Trial& trial) {
  const double sum = total(trial.genotype);
  switch (static_cast<int>(sum) % 5) {
    case 0:
      trial.state = TrialState::kFailed;
      return;
    case 1:
      trial.state = TrialState::kInfeasible;
      trial.violation = sum;
      return;
    case 2:
      trial.state = TrialState::kStopped;
      trial.objectives = {50, sum};
      return;
    case 3:
      trial.state = TrialState::kComplete;
      trial.objectives = {std::numeric_limits<double>::quiet_NaN(), sum};
      return;
    default:
      complete(trial);
  }
}

class EveryStrategy : public testing::TestWithParam<StrategyInfo> {
 protected:
  std::unique_ptr<Strategy> make(const spaces::SearchSpace& space, std::uint64_t seed = 1) const {
    return make_strategy(space, 2, seed, options_of(GetParam().name));
  }
  /// All trials of a run.
  std::vector<Trial> run(const spaces::SearchSpace& space, std::size_t count, std::size_t window,
                         const Evaluate& evaluate, std::uint64_t seed = 1) const {
    const auto strategy = make(space, seed);
    Simulation simulation(*strategy, window, evaluate);
    simulation.run_until(count);
    return simulation.finished();
  }
};

std::vector<Genotype> genotypes_of(const std::vector<Trial>& trials) {
  std::vector<Genotype> genotypes;
  for (const Trial& trial : trials) genotypes.push_back(trial.genotype);
  return genotypes;
}

TEST_P(EveryStrategy, GivesTheSameProposalsForTheSameSeedAndCalls) {
  const ToySpace space(8, 4, true);
  EXPECT_EQ(genotypes_of(run(space, 200, 3, mixed_ends)),
            genotypes_of(run(space, 200, 3, mixed_ends)));
  EXPECT_NE(genotypes_of(run(space, 200, 3, complete, 1)),
            genotypes_of(run(space, 200, 3, complete, 2)));
}

TEST_P(EveryStrategy, GoesOnAfterReplayAsIfNeverInterrupted) {
  const ToySpace space(8, 4, true);
  for (const std::size_t killed_at : {1, 19, 20, 77, 150}) {
    const auto strategy = make(space);
    Simulation unbroken(*strategy, 4, mixed_ends);
    unbroken.run_until(killed_at);
    const std::vector<Trial> recorded = unbroken.finished();
    unbroken.run_until(240);

    const auto fresh = make(space);
    Simulation resumed(*fresh, 4, [&](Trial& trial) {
      if (trial.id < recorded.size()) {
        EXPECT_EQ(trial.genotype, recorded[trial.id].genotype);
        trial = recorded[trial.id];
      } else {
        mixed_ends(trial);
      }
    });
    resumed.run_until(240);
    EXPECT_EQ(genotypes_of(resumed.finished()), genotypes_of(unbroken.finished()));
  }
}

TEST_P(EveryStrategy, DoesNotMindHowCallsAreBundled) {
  const ToySpace space(8, 4);
  const auto bundled = make(space);
  const auto one_by_one = make(space);
  for (std::uint64_t round = 0; round < 6; ++round) {
    std::vector<Trial> trials;
    for (const Proposal& proposal : bundled->ask(33)) {
      trials.push_back({.id = round * 33 + trials.size(), .genotype = proposal.genotype});
      complete(trials.back());
    }
    for (const Trial& trial : trials) {
      EXPECT_EQ(one_by_one->ask(1), std::vector<Proposal>{{trial.genotype}});
    }
    bundled->tell(trials);
    for (const Trial& trial : trials) one_by_one->tell({&trial, 1});
  }
}

TEST_P(EveryStrategy, NeverProposesACanonicalGenotypeTwiceHoweverFarResultsLag) {
  const ToySpace space(6, 3, true);
  for (const std::size_t window : {1, 2, 8, 100, 400}) {
    std::set<Genotype> seen;
    for (const Trial& trial : run(space, 450, window, complete)) {
      EXPECT_EQ(space.canonical(trial.genotype), trial.genotype);
      EXPECT_TRUE(seen.insert(trial.genotype).second) << to_string(trial.genotype);
    }
    EXPECT_EQ(seen.size(), 450U);
  }
}

TEST_P(EveryStrategy, ExhaustsASmallSpaceExactly) {
  const ToySpace space(5, 3, true);
  const std::set<Genotype> all = all_canonical(space);
  ASSERT_EQ(all.size(), 243U - 2 * 27);
  for (const std::size_t window : {1, 7, 1000}) {
    const auto strategy = make(space);
    Simulation simulation(*strategy, window, complete);
    simulation.run_until(1000);
    const std::vector<Genotype> proposed = genotypes_of(simulation.finished());
    EXPECT_EQ(proposed.size(), all.size());
    EXPECT_EQ(std::set<Genotype>(proposed.begin(), proposed.end()), all);
    EXPECT_TRUE(strategy->ask(1).empty());
  }
}

TEST_P(EveryStrategy, FinishesASpaceOfOneNetwork) {
  for (const ToySpace& space : {ToySpace(0, 1), ToySpace(3, 1)}) {
    const auto strategy = make(space);
    EXPECT_EQ(strategy->ask(5).size(), 1U);
    EXPECT_TRUE(strategy->ask(5).empty());
  }
}

TEST_P(EveryStrategy, CopesWithResultsThatTeachNothing) {
  const ToySpace space(6, 3);
  const Evaluate all_failed = [](Trial& trial) { trial.state = TrialState::kFailed; };
  const Evaluate all_infeasible = [](Trial& trial) {
    trial.state = TrialState::kInfeasible;
    trial.violation = 0.5;
  };
  const Evaluate all_equal = [](Trial& trial) {
    trial.state = TrialState::kComplete;
    trial.objectives = {1, 1};
  };
  const Evaluate one_constant = [](Trial& trial) {
    complete(trial);
    trial.objectives[1] = 3;
  };
  const Evaluate not_finite = [](Trial& trial) {
    trial.state = TrialState::kComplete;
    trial.objectives = {std::numeric_limits<double>::quiet_NaN(),
                        std::numeric_limits<double>::infinity()};
    trial.violation = std::numeric_limits<double>::quiet_NaN();
  };
  for (const Evaluate& evaluate :
       {all_failed, all_infeasible, all_equal, one_constant, not_finite, Evaluate(mixed_ends)}) {
    for (const std::size_t window : {1, 30}) {
      EXPECT_EQ(run(space, 729, window, evaluate).size(), 729U);
    }
  }
}

TEST_P(EveryStrategy, SearchesSpacesTooLargeToCount) {
  const ToySpace space(60, 9);
  EXPECT_EQ(run(space, 300, 2, complete).size(), 300U);
}

TEST_P(EveryStrategy, TakesItsOwnOptionsAndRefusesNonsense) {
  const ToySpace space(3, 3);
  for (const std::string_view option : GetParam().option_names) {
    EXPECT_TRUE(
        make_strategy(space, 2, 1, options_of(GetParam().name, fmt::format("{}: 7", option))));
    EXPECT_THROW(
        make_strategy(space, 2, 1, options_of(GetParam().name, fmt::format("{}: 0", option))),
        Error);
  }
}

/// Half of the probability on the first option of each decision.
Start start_near_the_first(const spaces::SearchSpace& space) {
  Distribution distribution = uniform_distribution(space);
  for (std::vector<double>& options : distribution.probabilities) {
    for (double& p : options) p /= 2;
    options[0] += 0.5;
  }
  return {{Genotype{{3, 2, 1, 0, 0, 1, 2, 3}}, Genotype{{1, 1, 1, 1, 1, 1, 1, 1}}}, distribution};
}

TEST_P(EveryStrategy, BeginsWithTheStartThatItIsGiven) {
  const ToySpace space(8, 4);
  const Start start = start_near_the_first(space);
  const Config options = options_of(GetParam().name);
  const auto strategy = make_strategy(space, 2, 1, options, start);
  const auto uniform = make_strategy(space, 2, 1, options);
  const std::vector<Proposal> proposals = strategy->ask(2);
  EXPECT_EQ(proposals[0].genotype, start.genotypes[0]);
  if (GetParam().name == std::string_view("local_search")) return;  // climbs before it draws again
  EXPECT_EQ(proposals[1].genotype, start.genotypes[1]);
  const auto count_first = [](const std::vector<Proposal>& drawn) {
    std::ptrdiff_t first = 0;
    for (const Proposal& proposal : drawn)
      first += std::ranges::count(proposal.genotype.choices, 0);
    return first;
  };
  // Of 18 · 8 choices five eighths instead of a quarter, give or take 6.
  EXPECT_NEAR(static_cast<double>(count_first(strategy->ask(18))), 90, 18);
  EXPECT_NEAR(static_cast<double>(count_first(uniform->ask(18))), 36, 18);
}

TEST_P(EveryStrategy, WithAStartMakesTheSameProposalsOnReplay) {
  const ToySpace space(8, 4, true);
  const auto propose_all = [&](std::size_t count) {
    const auto strategy =
        make_strategy(space, 2, 1, options_of(GetParam().name), start_near_the_first(space));
    Simulation simulation(*strategy, 4, mixed_ends);
    simulation.run_until(count);
    return genotypes_of(simulation.finished());
  };
  const std::vector<Genotype> all = propose_all(150);
  for (const std::size_t killed_at : {1, 20, 77}) {
    const std::vector<Genotype> replayed = propose_all(killed_at);
    EXPECT_TRUE(std::ranges::equal(replayed, std::span(all).first(killed_at)));
  }
}

TEST_P(EveryStrategy, ExhaustsASmallSpaceWhateverItStartsFrom) {
  const ToySpace space(5, 3, true);
  Start start{{Genotype{{0, 2, 0, 0, 0}}, Genotype{{0, 0, 0, 0, 0}}}, uniform_distribution(space)};
  for (std::vector<double>& options : start.distribution->probabilities) options = {1, 0, 0};
  const auto strategy = make_strategy(space, 2, 1, options_of(GetParam().name), start);
  Simulation simulation(*strategy, 2, complete);
  simulation.run_until(1000);
  const std::vector<Genotype> proposed = genotypes_of(simulation.finished());
  EXPECT_EQ(proposed.front(), (Genotype{{0, 0, 0, 0, 0}})) << "the first one's canonical form";
  EXPECT_EQ(proposed.size(), all_canonical(space).size());
  EXPECT_EQ(std::set<Genotype>(proposed.begin(), proposed.end()), all_canonical(space));
}

TEST_P(EveryStrategy, RefusesAStartOfAnotherSpace) {
  const ToySpace space(3, 3), other(3, 2);
  const Config options = options_of(GetParam().name);
  EXPECT_THROW(make_strategy(space, 2, 1, options, {{Genotype{{0, 3, 0}}}, {}}), Error);
  EXPECT_THROW(make_strategy(space, 2, 1, options, {{}, uniform_distribution(other)}), Error);
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryStrategy,
                         testing::ValuesIn(strategies().begin(), strategies().end()),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(Registry, RefusesAnUnknownStrategyAtItsPlace) {
  const ToySpace space(3, 3);
  try {
    make_strategy(space, 1, 1, options_of("agin_evolution"));
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(e.what(), testing::HasSubstr("test.yaml:1:11"));
    EXPECT_THAT(e.what(), testing::HasSubstr("aging_evolution"));
  }
}

TEST(TrialState, KeepsItsNameInText) {
  for (const TrialState state : {TrialState::kComplete, TrialState::kInfeasible,
                                 TrialState::kFailed, TrialState::kStopped}) {
    EXPECT_EQ(trial_state_from_string(to_string(state)), state);
  }
  EXPECT_THROW(trial_state_from_string("done"), Error);
}

/// Mean over seeds of the best of `count` trials of a strategy with one objective.
template <typename MakeStrategy>
double mean_best(MakeStrategy make, std::size_t count, std::size_t window,
                 const Evaluate& evaluate) {
  constexpr int kSeeds = 20;
  double sum = 0;
  for (int seed = 0; seed < kSeeds; ++seed) {
    auto strategy = make(static_cast<std::uint64_t>(seed));
    Simulation simulation(strategy, window, evaluate);
    simulation.run_until(count);
    sum += simulation.best(count);
  }
  return sum / kSeeds;
}

TEST(Strategies, BeatRandomSearchOnAnEasyProblem) {
  const ToySpace space(10, 5);
  const Evaluate evaluate = [](Trial& trial) {
    trial.state = TrialState::kComplete;
    trial.objectives = {distance_from_pattern(trial.genotype)};
  };
  for (const std::size_t window : {1, 8}) {
    const double random =
        mean_best([&](auto seed) { return RandomSearch(space, seed); }, 300, window, evaluate);
    EXPECT_LT(mean_best([&](auto seed) { return LocalSearch(space, seed); }, 300, window, evaluate),
              0.3 * random);
    EXPECT_LT(
        mean_best([&](auto seed) { return AgingEvolution(space, seed); }, 300, window, evaluate),
        0.5 * random);
    EXPECT_LT(mean_best([&](auto seed) { return Nsga2(space, 1, seed); }, 300, window, evaluate),
              0.5 * random);
  }
}

TEST(Strategies, FindTheFeasibleRegionByViolation) {
  const ToySpace space(12, 5);
  // Feasible: at most 6 of 48, some 10^-5 of the space.
  const Evaluate limited = [](Trial& trial) {
    trial.violation = std::max(0.0, total(trial.genotype) / 6 - 1);
    trial.state = trial.violation > 0 ? TrialState::kInfeasible : TrialState::kComplete;
    if (trial.violation == 0) trial.objectives = {distance_from_pattern(trial.genotype)};
  };
  const auto finds = [&](Strategy&& strategy) {
    Simulation simulation(strategy, 1, limited);
    simulation.run_until(600);
    return std::ranges::any_of(simulation.finished(), [](const Trial& trial) {
      return trial.state == TrialState::kComplete;
    });
  };
  EXPECT_FALSE(finds(RandomSearch(space, 1)));
  EXPECT_TRUE(finds(LocalSearch(space, 1)));
  EXPECT_TRUE(finds(AgingEvolution(space, 1)));
  EXPECT_TRUE(finds(Nsga2(space, 1, 1)));
}

}  // namespace
}  // namespace hwnas::search
