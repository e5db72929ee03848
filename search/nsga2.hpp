#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/rng.hpp"
#include "search/ranking.hpp"
#include "search/seen.hpp"
#include "search/strategy.hpp"

namespace hwnas::search {

struct Nsga2Options {
  std::size_t population = 20;         ///< at least 1
  double crossover_probability = 0.9;  ///< otherwise a child has one parent
};

/// NSGA-II (Deb, Pratap, Agarwal and Meyarivan, "A Fast and Elitist Multiobjective Genetic
/// Algorithm: NSGA-II", IEEE TEC 2002, section III) with constraint-domination (section VI.A).
/// A generation begins when as many trials have finished as the population counts: of parents and
/// finished trials the best by front and crowding survive, of equals the older. Children come from
/// binary tournaments, uniform crossover, and mutation of each decision with probability
/// 1/decisions.
///
/// Deviations: children seen before are replaced, at last by mutants of themselves; asking never
/// waits, so children asked for ahead have the parents of the generation before; while the first
/// generation is incomplete, its finished trials are the parents.
class Nsga2 final : public Strategy {
 public:
  /// `start`: of the first generation.
  Nsga2(const spaces::DecisionSpace& space, std::size_t objectives, std::uint64_t seed,
        const Nsga2Options& options = {}, const Start& start = {});

  std::vector<Proposal> ask(std::size_t n) override;
  void tell(std::span<const Trial> finished) override;

 private:
  std::optional<spaces::Genotype> next();
  spaces::Genotype breed();
  const spaces::Genotype& select_parent();
  void select_survivors();

  const spaces::DecisionSpace& space_;
  std::size_t objectives_;
  Nsga2Options options_;
  Rng rng_;
  Seen seen_;
  std::vector<Trial> parents_;       ///< at most options_.population, best first
  std::vector<Standing> standings_;  ///< of parents_, when they were selected
  std::vector<Trial> finished_;      ///< since then
};

}  // namespace hwnas::search
