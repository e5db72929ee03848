#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/rng.hpp"
#include "search/seen.hpp"
#include "search/strategy.hpp"

namespace hwnas::search {

/// Uniform draws without repetition: what every other strategy has to beat.
class RandomSearch final : public Strategy {
 public:
  RandomSearch(const spaces::DecisionSpace& space, std::uint64_t seed) : rng_(seed), seen_(space) {}

  std::vector<Proposal> ask(std::size_t n) override;
  void tell(std::span<const Trial>) override {}

 private:
  Rng rng_;
  Seen seen_;
};

}  // namespace hwnas::search
