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

struct AgingEvolutionOptions {
  std::size_t population = 50;  ///< at least 1
  std::size_t sample = 10;      ///< drawn for a tournament, at least 1
};

/// Aging evolution (Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier
/// Architecture Search", AAAI 2019, algorithm 1), on the first objective. The population is the
/// queue of the latest finished trials. At first candidates are drawn at random; then each is a
/// mutant of the best of a sample of the population, in exactly one decision.
///
/// Deviations: a mutant seen before is replaced, by other mutants of the parent and at last by
/// mutants of mutants; the population is what is finished when a candidate is asked for, so that
/// asking never waits; a trial that breaks limits enters it, ranked by its violation.
class AgingEvolution final : public Strategy {
 public:
  /// `start`: of the first population.
  AgingEvolution(const spaces::DecisionSpace& space, std::uint64_t seed,
                 const AgingEvolutionOptions& options = {}, const Start& start = {});

  std::vector<Proposal> ask(std::size_t n) override;
  void tell(std::span<const Trial> finished) override;

 private:
  struct Member {
    Fitness fitness;
    spaces::Genotype genotype;
  };

  std::optional<spaces::Genotype> next();
  const Member& select_parent();

  const spaces::DecisionSpace& space_;
  AgingEvolutionOptions options_;
  Rng rng_;
  Seen seen_;
  std::vector<Member> members_;  ///< a ring, at most options_.population
  std::size_t oldest_ = 0;       ///< in members_, once it is full
};

}  // namespace hwnas::search
