#include "search/cost_range.hpp"

#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/rng.hpp"
#include "search/seen.hpp"

namespace hwnas::search {
namespace {

using spaces::Genotype;
using spaces::SearchSpace;
using CostOfNetwork = std::function<double(const ir::Network&)>;

constexpr double kMaxEnumerated = 20'000;
constexpr int kRandomStarts = 4;

/// Remembers costs by canonical genotype, and with them the range.
class CostTable {
 public:
  CostTable(const SearchSpace& space, const CostOfNetwork& cost) : space_(space), cost_(cost) {}

  double operator()(const Genotype& genotype) {
    Genotype canonical = space_.canonical(genotype);
    const auto known = costs_.find(canonical);
    if (known != costs_.end()) return known->second;
    const double cost = cost_(space_.decode(canonical));
    if (costs_.empty() || cost < range_.min) {
      range_.min = cost;
      range_.argmin = canonical;
    }
    if (costs_.empty() || cost > range_.max) {
      range_.max = cost;
      range_.argmax = canonical;
    }
    costs_.emplace(std::move(canonical), cost);
    return cost;
  }

  const CostRange& range() const { return range_; }

 private:
  const SearchSpace& space_;
  const CostOfNetwork& cost_;
  std::unordered_map<Genotype, double, spaces::GenotypeHash> costs_;
  CostRange range_;
};

/// Sets one decision after the other to its best option until a round changes nothing; the best is
/// the smallest sign·cost.
void descend(const SearchSpace& space, Genotype genotype, double sign, CostTable& cost) {
  double best = sign * cost(genotype);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 0; i < genotype.choices.size(); ++i) {
      Genotype rival = genotype;
      for (std::size_t option = 0; option < space.decisions()[i].options.size(); ++option) {
        rival.choices[i] = static_cast<std::uint16_t>(option);
        const double value = sign * cost(rival);
        if (value >= best) continue;
        best = value;
        genotype = rival;
        changed = true;
      }
    }
  }
}

std::vector<Genotype> starts(const SearchSpace& space, std::uint64_t seed) {
  std::vector<Genotype> result(2);
  for (const spaces::Decision& decision : space.decisions()) {
    result[0].choices.push_back(0);
    result[1].choices.push_back(static_cast<std::uint16_t>(decision.options.size() - 1));
  }
  Rng rng(seed);
  for (int i = 0; i < kRandomStarts; ++i) result.push_back(spaces::sample(space, rng));
  return result;
}

}  // namespace

CostRange cost_range(const SearchSpace& space, const CostOfNetwork& cost, std::uint64_t seed) {
  CostTable table(space, cost);
  const bool enumerable = std::pow(10.0, spaces::log10_size(space)) < kMaxEnumerated + 0.5;
  if (enumerable) {
    Rng rng(seed);
    Seen seen(space);
    while (const auto genotype = seen.claim_random(rng)) table(*genotype);
  } else {
    for (const Genotype& start : starts(space, seed)) {
      descend(space, start, 1, table);
      descend(space, start, -1, table);
    }
  }
  CostRange range = table.range();
  range.exact = enumerable;
  return range;
}

}  // namespace hwnas::search
