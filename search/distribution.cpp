#include "search/distribution.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.hpp"

namespace hwnas::search {

spaces::Genotype Distribution::sample(Rng& rng) const {
  spaces::Genotype genotype;
  for (const std::vector<double>& options : probabilities) {
    const double drawn = rng.uniform();
    double below = 0;
    std::size_t option = 0;
    // The last option takes what rounding leaves.
    while (option + 1 < options.size() && drawn >= (below += options[option])) ++option;
    genotype.choices.push_back(static_cast<std::uint16_t>(option));
  }
  return genotype;
}

spaces::Genotype Distribution::mode() const {
  spaces::Genotype genotype;
  for (const std::vector<double>& options : probabilities) {
    genotype.choices.push_back(
        static_cast<std::uint16_t>(std::ranges::max_element(options) - options.begin()));
  }
  return genotype;
}

double Distribution::entropy() const {
  double sum = 0;
  for (const std::vector<double>& options : probabilities) {
    for (const double p : options) sum -= p > 0 ? p * std::log(p) : 0;
  }
  return sum;
}

Distribution uniform_distribution(const spaces::DecisionSpace& space) {
  Distribution distribution;
  for (const spaces::Decision& decision : space.decisions()) {
    const std::size_t count = decision.options.size();
    distribution.probabilities.emplace_back(count, 1 / static_cast<double>(count));
  }
  return distribution;
}

void require_fit(const Distribution& distribution, const spaces::DecisionSpace& space) {
  constexpr double kRounding = 1e-6;
  const auto decisions = space.decisions();
  if (distribution.probabilities.size() != decisions.size()) {
    throw invalid_argument("a distribution of {} decisions, but the space has {}",
                           distribution.probabilities.size(), decisions.size());
  }
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const std::vector<double>& options = distribution.probabilities[i];
    const double sum = std::accumulate(options.begin(), options.end(), 0.0);
    const bool valid = std::ranges::all_of(options, [](double p) { return p >= 0; });
    if (options.size() == decisions[i].options.size() && valid && std::abs(sum - 1) < kRounding) {
      continue;
    }
    throw invalid_argument("'{}': expected {} probabilities that sum to 1, found {} that sum to {}",
                           decisions[i].name, decisions[i].options.size(), options.size(), sum);
  }
}

}  // namespace hwnas::search
