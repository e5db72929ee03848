#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/rng.hpp"
#include "search/ranking.hpp"
#include "search/seen.hpp"
#include "search/strategy.hpp"

namespace hwnas::search {

/// Steepest descent with random restarts, on the first objective (White, Nolen and Savani,
/// "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021, algorithm 1): propose
/// all neighbours of a point, in random order; move to the best if it is better than the point;
/// restart at a random point if none is. A neighbour evaluated earlier counts with its known
/// result.
///
/// Asking never waits: where all neighbours of a climb are proposed but not all finished, the next
/// climb begins.
class LocalSearch final : public Strategy {
 public:
  /// `start`: of the climbs.
  LocalSearch(const spaces::DecisionSpace& space, std::uint64_t seed, const Start& start = {})
      : space_(space), rng_(seed), seen_(space, start) {}

  std::vector<Proposal> ask(std::size_t n) override;
  void tell(std::span<const Trial> finished) override;

 private:
  struct Climb {
    spaces::Genotype centre;
    std::vector<spaces::Genotype> neighbours;
    std::size_t claimed = 0;  ///< neighbours before this one were proposed by now
    std::size_t known = 0;    ///< neighbours before this one have results
  };

  std::optional<spaces::Genotype> next();
  Climb climb_from(spaces::Genotype centre);
  const Fitness* result_of(const spaces::Genotype& genotype) const;
  bool is_complete(Climb& climb) const;
  /// Moves a climb on as far as results go; false if it has reached its end.
  bool advance(Climb& climb);

  const spaces::DecisionSpace& space_;
  Rng rng_;
  Seen seen_;
  std::vector<Climb> climbs_;                           ///< under way, oldest first
  std::unordered_map<std::uint64_t, Fitness> results_;  ///< of all finished trials, by Seen::key
};

}  // namespace hwnas::search
