#pragma once

#include <cstdint>
#include <optional>
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
  /// `steps`: of the whole training. `fixed`: what all drawn networks have.
  PathSampler(const spaces::SearchSpace& space, SupernetScheme scheme, int random_networks,
              std::int64_t steps, std::uint64_t seed, std::optional<FixedChoice> fixed = {});

  /// The first is the teacher of the others where the scheme has one.
  std::vector<spaces::Genotype> paths(std::int64_t step) const;
  bool distils() const;
  /// How many of the first paths are the same in every step.
  std::size_t constant_paths() const;
  /// Whether narrower networks are drawn from this step on, and none were before.
  bool opens_widths(std::int64_t step) const;
  /// With the fixed choice.
  spaces::Genotype smallest() const { return with_fixed(smallest_genotype(space_)); }
  spaces::Genotype largest() const { return with_fixed(largest_genotype(space_)); }

 private:
  spaces::Genotype with_fixed(spaces::Genotype genotype) const;
  spaces::Genotype random(Rng& rng) const { return with_fixed(spaces::sample(space_, rng)); }
  std::vector<spaces::Genotype> fair(Rng& rng) const;
  spaces::Genotype opened(std::int64_t step, Rng& rng) const;

  const spaces::SearchSpace& space_;
  const SupernetScheme scheme_;
  const int random_networks_;
  const std::int64_t steps_;
  const std::uint64_t seed_;
  const std::optional<FixedChoice> fixed_;
};

}  // namespace hwnas::train
