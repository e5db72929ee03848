#include <array>
#include <cstddef>
#include <string>

#include "search/aging_evolution.hpp"
#include "search/local_search.hpp"
#include "search/nsga2.hpp"
#include "search/random.hpp"
#include "search/strategy.hpp"

namespace hwnas::search {
namespace {

using spaces::DecisionSpace;

/// Larger populations than this would never see a second generation.
constexpr std::int64_t kMaxPopulation = 100'000;

constexpr std::array<std::string_view, 2> kAgingEvolutionOptions = {"population", "sample"};
constexpr std::array<std::string_view, 1> kNsga2Options = {"population"};

std::size_t count_or(const Config& options, std::string_view key, std::size_t fallback) {
  return static_cast<std::size_t>(
      options.int_or(key, static_cast<std::int64_t>(fallback), 1, kMaxPopulation));
}

std::unique_ptr<Strategy> make_random(const DecisionSpace& space, std::size_t, std::uint64_t seed,
                                      const Config&, const Start& start) {
  return std::make_unique<RandomSearch>(space, seed, start);
}

std::unique_ptr<Strategy> make_local_search(const DecisionSpace& space, std::size_t,
                                            std::uint64_t seed, const Config&, const Start& start) {
  return std::make_unique<LocalSearch>(space, seed, start);
}

std::unique_ptr<Strategy> make_aging_evolution(const DecisionSpace& space, std::size_t,
                                               std::uint64_t seed, const Config& options,
                                               const Start& start) {
  AgingEvolutionOptions own;
  own.population = count_or(options, "population", own.population);
  own.sample = count_or(options, "sample", own.sample);
  return std::make_unique<AgingEvolution>(space, seed, own, start);
}

std::unique_ptr<Strategy> make_nsga2(const DecisionSpace& space, std::size_t objectives,
                                     std::uint64_t seed, const Config& options,
                                     const Start& start) {
  Nsga2Options own;
  own.population = count_or(options, "population", own.population);
  return std::make_unique<Nsga2>(space, objectives, seed, own, start);
}

constexpr std::array<StrategyInfo, 4> kStrategies = {{
    {"random", "uniform draws without repetition", make_random, {}, true},
    {"local_search",
     "steepest descent over one-decision changes, with random restarts",
     make_local_search,
     {},
     false},
    {"aging_evolution", "mutants of the best of a sample of the latest trials",
     make_aging_evolution, kAgingEvolutionOptions, false},
    {"nsga2", "a population spread along the Pareto front, bred by crossover and mutation",
     make_nsga2, kNsga2Options, true},
}};

}  // namespace

std::span<const StrategyInfo> strategies() {
  return kStrategies;
}

std::unique_ptr<Strategy> make_strategy(const DecisionSpace& space, std::size_t objectives,
                                        std::uint64_t seed, const Config& options,
                                        const Start& start) {
  std::vector<std::string> names;
  for (const StrategyInfo& strategy : kStrategies) names.emplace_back(strategy.name);
  const StrategyInfo& chosen = kStrategies[options.at("strategy").as_one_of(names)];
  for (const spaces::Genotype& genotype : start.genotypes) spaces::require_member(space, genotype);
  if (start.distribution) require_fit(*start.distribution, space);
  return chosen.make(space, objectives, seed, options, start);
}

}  // namespace hwnas::search
