#pragma once

#include <cstdint>
#include <vector>

#include "core/rng.hpp"
#include "spaces/search_space.hpp"
#include "train/supernet.hpp"

namespace hwnas::train {

/// The genotype of the first (last) option of every decision.
spaces::Genotype smallest_genotype(const spaces::SearchSpace& space);
spaces::Genotype largest_genotype(const spaces::SearchSpace& space);

/// Draws the networks of each training step by a supernet's scheme. A function of the step and of
/// what it was made of.
class PathSampler {
 public:
  /// `steps`: of the whole training.
  PathSampler(const spaces::SearchSpace& space, SupernetScheme scheme, int random_networks,
              std::int64_t steps, std::uint64_t seed);

  /// The first is the teacher of the others where the scheme has one.
  std::vector<spaces::Genotype> paths(std::int64_t step) const;
  bool distils() const;

 private:
  std::vector<spaces::Genotype> fair(Rng& rng) const;
  spaces::Genotype opened(std::int64_t step, Rng& rng) const;

  const spaces::SearchSpace& space_;
  const SupernetScheme scheme_;
  const int random_networks_;
  const std::int64_t steps_;
  const std::uint64_t seed_;
};

}  // namespace hwnas::train
