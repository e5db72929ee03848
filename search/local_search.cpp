#include "search/local_search.hpp"

#include <algorithm>
#include <utility>

namespace hwnas::search {

std::vector<Proposal> LocalSearch::ask(std::size_t n) {
  return propose(n, [this] { return next(); });
}

std::optional<spaces::Genotype> LocalSearch::next() {
  for (Climb& climb : climbs_) {
    while (climb.claimed < climb.neighbours.size()) {
      if (auto genotype = seen_.claim(climb.neighbours[climb.claimed++])) return genotype;
    }
  }
  auto start = seen_.claim_start(rng_);
  if (start) climbs_.push_back(climb_from(*start));
  return start;
}

LocalSearch::Climb LocalSearch::climb_from(spaces::Genotype centre) {
  std::vector<spaces::Genotype> neighbours = spaces::neighbours(space_, centre);
  for (spaces::Genotype& neighbour : neighbours) neighbour = space_.canonical(neighbour);
  rng_.shuffle(std::span(neighbours));
  return {.centre = std::move(centre), .neighbours = std::move(neighbours)};
}

void LocalSearch::tell(std::span<const Trial> finished) {
  for (const Trial& trial : finished) {
    results_.insert_or_assign(seen_.key(trial.genotype), fitness(trial));
    std::erase_if(climbs_, [this](Climb& climb) { return !advance(climb); });
  }
}

bool LocalSearch::advance(Climb& climb) {
  while (is_complete(climb)) {
    const auto best = std::ranges::min_element(
        climb.neighbours, {}, [this](const spaces::Genotype& g) { return *result_of(g); });
    if (best == climb.neighbours.end() || *result_of(*best) >= *result_of(climb.centre)) {
      return false;
    }
    climb = climb_from(std::move(*best));
  }
  return true;
}

bool LocalSearch::is_complete(Climb& climb) const {
  while (climb.known < climb.neighbours.size() &&
         result_of(climb.neighbours[climb.known]) != nullptr) {
    ++climb.known;
  }
  return climb.known == climb.neighbours.size() && result_of(climb.centre) != nullptr;
}

const Fitness* LocalSearch::result_of(const spaces::Genotype& genotype) const {
  const auto found = results_.find(seen_.key(genotype));
  return found == results_.end() ? nullptr : &found->second;
}

}  // namespace hwnas::search
