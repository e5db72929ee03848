#include "engine/rank_check_networks.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>
#include <utility>

namespace hwnas::engine {
namespace {

// Uniform draws for each network that is taken, and tries for each: most may break limits.
constexpr std::size_t kDrawn = 20;
constexpr std::size_t kTries = 1000;

/// By the logarithm of their multiply-accumulates.
using Drawn = std::set<std::pair<double, spaces::Genotype>>;

Drawn draw(const spaces::SearchSpace& space, const CostModels& costs, std::size_t count, Rng& rng) {
  Drawn drawn;
  for (std::size_t i = 0; i < count * kTries && drawn.size() < count * kDrawn; ++i) {
    const spaces::Genotype genotype = space.canonical(spaces::sample(space, rng));
    const ir::Network network = space.decode(genotype);
    if (costs.predict(network).violation > 0) continue;
    drawn.emplace(std::log(static_cast<double>(ir::macs(network))), genotype);
  }
  return drawn;
}

spaces::Genotype take_nearest(Drawn& drawn, double log_macs) {
  auto found = drawn.lower_bound({log_macs, {}});
  const bool before =
      found == drawn.end() ||
      (found != drawn.begin() && log_macs - std::prev(found)->first < found->first - log_macs);
  if (before) --found;
  return std::move(drawn.extract(found).value().second);
}

}  // namespace

std::vector<spaces::Genotype> rank_check_networks(const spaces::SearchSpace& space,
                                                  const CostModels& costs, std::size_t count,
                                                  Rng& rng) {
  Drawn drawn = draw(space, costs, count, rng);
  if (drawn.empty()) return {};
  const double smallest = drawn.begin()->first;
  const double range = drawn.rbegin()->first - smallest;
  const std::size_t taken = std::min(count, drawn.size());
  std::vector<spaces::Genotype> networks;
  for (std::size_t i = 0; i < taken; ++i) {
    const double share = (static_cast<double>(i) + 0.5) / static_cast<double>(taken);
    networks.push_back(take_nearest(drawn, smallest + share * range));
  }
  return networks;
}

}  // namespace hwnas::engine
