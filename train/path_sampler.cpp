#include "train/path_sampler.hpp"

#include <algorithm>
#include <numeric>
#include <span>

namespace hwnas::train {
namespace {

constexpr std::uint64_t kPathStream = 3;  // of the training's seed

constexpr int kWidths = 3;  // a phase

/// The phase of progressive shrinking in which a decision opens: kernels, then depths, then all
/// others (widths); 0 is the largest network alone. Names end in what they decide.
int phase_of(const spaces::Decision& decision) {
  const std::string_view name = std::string_view(decision.name)
                                    .substr(decision.name.find_last_of('.') == std::string::npos
                                                ? 0
                                                : decision.name.find_last_of('.') + 1);
  if (name.starts_with("kernel")) return 1;
  if (name == "depth") return 2;
  return kWidths;
}
constexpr std::int64_t kPhases = 4;

spaces::Genotype genotype_of(const spaces::SearchSpace& space, bool largest) {
  spaces::Genotype genotype;
  for (const spaces::Decision& decision : space.decisions()) {
    genotype.choices.push_back(largest ? static_cast<std::uint16_t>(decision.options.size() - 1)
                                       : std::uint16_t{0});
  }
  return genotype;
}

}  // namespace

spaces::Genotype smallest_genotype(const spaces::SearchSpace& space) {
  return genotype_of(space, false);
}

spaces::Genotype largest_genotype(const spaces::SearchSpace& space) {
  return genotype_of(space, true);
}

PathSampler::PathSampler(const spaces::SearchSpace& space, SupernetScheme scheme,
                         int random_networks, std::int64_t steps, std::uint64_t seed,
                         std::optional<FixedChoice> fixed)
    : space_(space),
      scheme_(scheme),
      random_networks_(random_networks),
      steps_(steps),
      seed_(seed),
      fixed_(fixed) {}

bool PathSampler::distils() const {
  return scheme_ == SupernetScheme::kSandwich || scheme_ == SupernetScheme::kProgressive;
}

std::size_t PathSampler::constant_paths() const {
  if (scheme_ == SupernetScheme::kSandwich) return 2;
  return scheme_ == SupernetScheme::kProgressive ? 1 : 0;
}

bool PathSampler::opens_widths(std::int64_t step) const {
  const auto phase = [&](std::int64_t at) { return at * kPhases / steps_; };
  return scheme_ == SupernetScheme::kProgressive && step > 0 && phase(step) == kWidths &&
         phase(step - 1) < kWidths;
}

std::vector<spaces::Genotype> PathSampler::paths(std::int64_t step) const {
  Rng rng(derive_seed(seed_, {kPathStream, static_cast<std::uint64_t>(step)}));
  std::vector<spaces::Genotype> paths;
  switch (scheme_) {
    case SupernetScheme::kSinglePath:
      return {random(rng)};
    case SupernetScheme::kFair:
      return fair(rng);
    case SupernetScheme::kSandwich:
      paths = {largest(), smallest()};
      for (int i = 0; i < random_networks_; ++i) paths.push_back(random(rng));
      return paths;
    case SupernetScheme::kProgressive:
      paths = {largest()};
      if (step * kPhases >= steps_) paths.push_back(opened(step, rng));
      return paths;
  }
  return paths;
}

spaces::Genotype PathSampler::with_fixed(spaces::Genotype genotype) const {
  if (fixed_) genotype.choices[fixed_->decision] = fixed_->option;
  return genotype;
}

/// The options of each decision in a random order, repeated until all decisions have as many as
/// the one with the most.
std::vector<spaces::Genotype> PathSampler::fair(Rng& rng) const {
  std::vector<std::vector<std::uint16_t>> options;
  std::size_t count = 1;
  for (const auto& decision : space_.decisions()) {
    if (fixed_ && options.size() == fixed_->decision) {
      options.push_back({fixed_->option});
      continue;
    }
    std::vector<std::uint16_t>& all = options.emplace_back(decision.options.size());
    std::iota(all.begin(), all.end(), std::uint16_t{0});
    count = std::max(count, all.size());
  }
  std::vector<spaces::Genotype> paths(count);
  for (std::vector<std::uint16_t>& of_decision : options) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i % of_decision.size() == 0) rng.shuffle(std::span(of_decision));
      paths[i].choices.push_back(of_decision[i % of_decision.size()]);
    }
  }
  return paths;
}

spaces::Genotype PathSampler::opened(std::int64_t step, Rng& rng) const {
  const auto phase = static_cast<int>(step * kPhases / steps_);
  spaces::Genotype genotype = spaces::sample(space_, rng);
  const auto decisions = space_.decisions();
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (phase_of(decisions[i]) > phase) {
      genotype.choices[i] = static_cast<std::uint16_t>(decisions[i].options.size() - 1);
    }
  }
  return with_fixed(genotype);
}

}  // namespace hwnas::train
