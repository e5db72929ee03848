#pragma once

#include "core/rng.hpp"
#include "engine/costs.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::engine {

/// Different networks within the limits, canonical, for a look at how well a supernet ranks: at
/// even steps of the logarithm of their multiply-accumulates, so that the small and the large ones,
/// which few uniform draws are, have their say, as they have on a Pareto front. Fewer than `count`
/// where so many were not found.
std::vector<spaces::Genotype> rank_check_networks(const spaces::SearchSpace& space,
                                                  const CostModels& costs, std::size_t count,
                                                  Rng& rng);

}  // namespace hwnas::engine
