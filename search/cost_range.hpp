#pragma once

#include <cstdint>
#include <functional>

#include "ir/network.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::search {

/// The smallest and the largest cost of a space's networks, and who has them.
struct CostRange {
  double min = 0;
  double max = 0;
  spaces::Genotype argmin;
  spaces::Genotype argmax;
  bool exact = false;  ///< false: the true range may be wider
};

/// Exact, by enumeration, for spaces of at most 20,000 genotypes; otherwise what coordinate descent
/// reaches from the genotypes of all first, of all last and of some random options: no guarantee,
/// but exact for costs that every decision moves independently of the others. `cost` must be
/// finite; it is called once for each canonical genotype, or some thousand times.
CostRange cost_range(const spaces::SearchSpace& space,
                     const std::function<double(const ir::Network&)>& cost, std::uint64_t seed);

}  // namespace hwnas::search
