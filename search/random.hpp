#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.hpp"
#include "search/seen.hpp"
#include "search/strategy.hpp"

namespace hwnas::search {

/// Draws without repetition, uniform unless it has a start with a distribution: what every other
/// strategy has to beat.
class RandomSearch final : public Strategy {
 public:
  RandomSearch(const spaces::DecisionSpace& space, std::uint64_t seed, const Start& start = {})
      : rng_(seed), seen_(space, start) {}

  std::vector<Proposal> ask(std::size_t n) override;
  void tell(std::span<const Trial>) override {}

 private:
  Rng rng_;
  Seen seen_;
};

}  // namespace hwnas::search
