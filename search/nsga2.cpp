#include "search/nsga2.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <numeric>
#include <utility>

namespace hwnas::search {
namespace {

/// Children bred before mutants of a child, and candidates in all before a random draw.
constexpr int kBred = 10;
constexpr int kCandidates = 50;

}  // namespace

Nsga2::Nsga2(const spaces::DecisionSpace& space, std::size_t objectives, std::uint64_t seed,
             const Nsga2Options& options, const Start& start)
    : space_(space), objectives_(objectives), options_(options), rng_(seed), seen_(space, start) {
  assert(objectives > 0 && options.population > 0);
}

std::vector<Proposal> Nsga2::ask(std::size_t n) {
  return propose(n, [this] { return next(); });
}

std::optional<spaces::Genotype> Nsga2::next() {
  if (seen_.size() < options_.population) return seen_.claim_start(rng_);
  if (parents_.size() < options_.population && !finished_.empty()) select_survivors();
  if (parents_.empty()) return seen_.claim_start(rng_);
  spaces::Genotype child;
  for (int attempt = 0; attempt < kCandidates; ++attempt) {
    child = attempt < kBred ? breed() : spaces::mutate(space_, child, rng_);
    if (auto genotype = seen_.claim(child)) return genotype;
  }
  return seen_.claim_random(rng_);
}

spaces::Genotype Nsga2::breed() {
  const spaces::Genotype& parent = select_parent();
  spaces::Genotype child = rng_.bernoulli(options_.crossover_probability)
                               ? spaces::crossover(parent, select_parent(), rng_)
                               : parent;
  const auto decisions = space_.decisions();
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (rng_.index(decisions.size()) != 0) continue;
    child.choices[i] = static_cast<std::uint16_t>(rng_.index(decisions[i].options.size()));
  }
  return child;
}

const spaces::Genotype& Nsga2::select_parent() {
  const std::size_t a = rng_.index(parents_.size());
  const std::size_t b = rng_.index(parents_.size());
  return parents_[standings_[b].better_than(standings_[a]) ? b : a].genotype;
}

void Nsga2::tell(std::span<const Trial> finished) {
  for (const Trial& trial : finished) {
    finished_.push_back(trial);
    if (finished_.size() == options_.population) select_survivors();
  }
}

void Nsga2::select_survivors() {
  std::vector<Trial> rivals = std::exchange(parents_, {});
  std::ranges::move(finished_, std::back_inserter(rivals));
  finished_.clear();

  const std::vector<Standing> standings = search::standings(rivals, objectives_);
  std::vector<std::uint32_t> order(rivals.size());
  std::iota(order.begin(), order.end(), 0U);
  const std::size_t survivors = std::min(rivals.size(), options_.population);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(survivors),
                            [&](std::uint32_t a, std::uint32_t b) {
                              if (standings[a].better_than(standings[b])) return true;
                              if (standings[b].better_than(standings[a])) return false;
                              return rivals[a].id < rivals[b].id;
                            });
  standings_.clear();
  for (std::size_t i = 0; i < survivors; ++i) {
    parents_.push_back(std::move(rivals[order[i]]));
    standings_.push_back(standings[order[i]]);
  }
}

}  // namespace hwnas::search
