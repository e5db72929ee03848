#pragma once

#include <cstdint>
#include <vector>

#include "spaces/search_space.hpp"

namespace hwnas::train {

/// Genotypes that have, together, the largest extent of every layer of the space; the largest
/// network is the last. Deterministic in (space, seed).
std::vector<spaces::Genotype> covering_genotypes(const spaces::SearchSpace& space,
                                                 std::uint64_t seed);

}  // namespace hwnas::train
