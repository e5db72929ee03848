#include "search/aging_evolution.hpp"

#include <cassert>

namespace hwnas::search {
namespace {

/// Mutants of the parent before mutants of mutants, and mutants in all before a random draw.
constexpr int kMutantsOfParent = 10;
constexpr int kMutants = 50;

}  // namespace

AgingEvolution::AgingEvolution(const spaces::DecisionSpace& space, std::uint64_t seed,
                               const AgingEvolutionOptions& options, const Start& start)
    : space_(space), options_(options), rng_(seed), seen_(space, start) {
  assert(options.population > 0 && options.sample > 0);
}

std::vector<Proposal> AgingEvolution::ask(std::size_t n) {
  return propose(n, [this] { return next(); });
}

std::optional<spaces::Genotype> AgingEvolution::next() {
  if (seen_.size() < options_.population || members_.empty()) return seen_.claim_start(rng_);
  const spaces::Genotype& parent = select_parent().genotype;
  spaces::Genotype mutant;
  for (int attempt = 0; attempt < kMutants; ++attempt) {
    mutant = spaces::mutate(space_, attempt < kMutantsOfParent ? parent : mutant, rng_);
    if (auto genotype = seen_.claim(mutant)) return genotype;
  }
  return seen_.claim_random(rng_);
}

const AgingEvolution::Member& AgingEvolution::select_parent() {
  const Member* best = nullptr;
  for (std::size_t i = 0; i < options_.sample; ++i) {
    const Member& rival = members_[rng_.index(members_.size())];
    if (best == nullptr || rival.fitness < best->fitness) best = &rival;
  }
  return *best;
}

void AgingEvolution::tell(std::span<const Trial> finished) {
  for (const Trial& trial : finished) {
    if (members_.size() < options_.population) {
      members_.push_back({fitness(trial), trial.genotype});
    } else {
      members_[oldest_] = {fitness(trial), trial.genotype};
      oldest_ = (oldest_ + 1) % members_.size();
    }
  }
}

}  // namespace hwnas::search
