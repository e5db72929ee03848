#include "train/covering_genotypes.hpp"

#include <set>
#include <string>

#include "core/rng.hpp"
#include "train/path_sampler.hpp"

namespace hwnas::train {
namespace {

using spaces::Genotype;

constexpr std::uint64_t kCoverStream = 5;  // of the training's seed
// Beside those at the bounds of each decision: extents that several decisions set together.
constexpr int kRandomCovered = 200;

/// The largest network's neighbours, and from there on, one decision changed at a time, those that
/// show layers which no network before had: nothing else about them is smaller than it can be.
std::vector<Genotype> around_largest(const spaces::SearchSpace& space) {
  std::vector<Genotype> shows_layers = {largest_genotype(space)};
  std::vector<Genotype> result;
  std::set<std::string> seen;
  for (const ir::Layer& layer : space.decode(shows_layers.front()).layers) seen.insert(layer.name);
  for (std::size_t i = 0; i < shows_layers.size(); ++i) {
    for (const Genotype& genotype : spaces::neighbours(space, Genotype(shows_layers[i]))) {
      const std::size_t before = seen.size();
      for (const ir::Layer& layer : space.decode(genotype).layers) seen.insert(layer.name);
      if (seen.size() > before) shows_layers.push_back(genotype);
      if (i == 0 || seen.size() > before) result.push_back(genotype);
    }
  }
  return result;
}

}  // namespace

std::vector<Genotype> covering_genotypes(const spaces::SearchSpace& space, std::uint64_t seed) {
  std::vector<Genotype> result;
  Rng rng(derive_seed(seed, {kCoverStream}));
  for (int i = 0; i < kRandomCovered; ++i) result.push_back(spaces::sample(space, rng));
  const auto append = [&](const std::vector<Genotype>& more) {
    result.insert(result.end(), more.begin(), more.end());
  };
  append(spaces::neighbours(space, smallest_genotype(space)));
  append({smallest_genotype(space)});
  append(around_largest(space));
  append({largest_genotype(space)});
  return result;
}

}  // namespace hwnas::train
