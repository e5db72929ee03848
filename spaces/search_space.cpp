#include "spaces/search_space.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>

#include "core/error.hpp"

namespace hwnas::spaces {

std::size_t GenotypeHash::operator()(const Genotype& genotype) const noexcept {
  // FNV-1a over whole choices (Fowler, Noll and Vo, 1991).
  std::uint64_t hash = 14695981039346656037ULL;
  for (const std::uint16_t choice : genotype.choices) hash = (hash ^ choice) * 1099511628211ULL;
  return hash;
}

std::string to_string(const Genotype& genotype) {
  return fmt::format("{}", fmt::join(genotype.choices, "-"));
}

Genotype genotype_from_string(std::string_view text) {
  Genotype genotype;
  if (text.empty()) return genotype;
  const char* position = text.data();
  const char* const end = position + text.size();
  while (true) {
    std::uint16_t choice = 0;
    const auto [stop, status] = std::from_chars(position, end, choice);
    if (status != std::errc{} || (stop != end && *stop != '-')) {
      throw invalid_argument("genotype '{}': expected numbers of 0..65535 joined by '-', as 3-0-1",
                             text);
    }
    genotype.choices.push_back(choice);
    if (stop == end) return genotype;
    position = stop + 1;
  }
}

void require_member(const DecisionSpace& space, const Genotype& genotype) {
  const auto decisions = space.decisions();
  if (genotype.choices.size() != decisions.size()) {
    throw invalid_argument("genotype {} has {} choices, but the space has {} decisions",
                           to_string(genotype), genotype.choices.size(), decisions.size());
  }
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (genotype.choices[i] >= decisions[i].options.size()) {
      throw invalid_argument("genotype {}: choice {} of '{}' is not in 0..{}", to_string(genotype),
                             genotype.choices[i], decisions[i].name,
                             decisions[i].options.size() - 1);
    }
  }
}

double log10_size(const DecisionSpace& space) {
  double log10 = 0;
  for (const Decision& decision : space.decisions()) {
    log10 += std::log10(static_cast<double>(decision.options.size()));
  }
  return log10;
}

Genotype sample(const DecisionSpace& space, Rng& rng) {
  Genotype genotype;
  genotype.choices.reserve(space.decisions().size());
  for (const Decision& decision : space.decisions()) {
    genotype.choices.push_back(static_cast<std::uint16_t>(rng.index(decision.options.size())));
  }
  return genotype;
}

Genotype mutate(const DecisionSpace& space, const Genotype& parent, Rng& rng) {
  require_member(space, parent);
  const auto decisions = space.decisions();
  const auto is_open = [](const Decision& decision) { return decision.options.size() > 1; };
  const auto open = static_cast<std::uint64_t>(std::ranges::count_if(decisions, is_open));
  if (open == 0) return parent;
  std::uint64_t skip = rng.index(open);
  std::size_t mutated = 0;
  while (!is_open(decisions[mutated]) || skip-- > 0) ++mutated;

  Genotype child = parent;
  std::uint16_t& choice = child.choices[mutated];
  const auto other = static_cast<std::uint16_t>(rng.index(decisions[mutated].options.size() - 1));
  choice = other < choice ? other : other + 1;
  return child;
}

Genotype crossover(const Genotype& a, const Genotype& b, Rng& rng) {
  assert(a.choices.size() == b.choices.size());
  Genotype child = a;
  for (std::size_t i = 0; i < child.choices.size(); ++i) {
    if (rng.bernoulli(0.5)) child.choices[i] = b.choices[i];
  }
  return child;
}

std::vector<Genotype> neighbours(const DecisionSpace& space, const Genotype& genotype) {
  require_member(space, genotype);
  const auto decisions = space.decisions();
  std::vector<Genotype> result;
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    for (std::size_t option = 0; option < decisions[i].options.size(); ++option) {
      if (option == genotype.choices[i]) continue;
      result.push_back(genotype);
      result.back().choices[i] = static_cast<std::uint16_t>(option);
    }
  }
  return result;
}

std::vector<float> encode(const DecisionSpace& space, const Genotype& genotype) {
  require_member(space, genotype);
  std::vector<float> code;
  for (std::size_t i = 0; i < genotype.choices.size(); ++i) {
    const std::size_t begin = code.size();
    code.resize(begin + space.decisions()[i].options.size());
    code[begin + genotype.choices[i]] = 1;
  }
  return code;
}

std::string describe(const DecisionSpace& space, const Genotype& genotype) {
  require_member(space, genotype);
  std::vector<std::string> words;
  for (std::size_t i = 0; i < genotype.choices.size(); ++i) {
    const Decision& decision = space.decisions()[i];
    words.push_back(decision.name + "=" + decision.options[genotype.choices[i]]);
  }
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace hwnas::spaces
