#include "core/error.hpp"
#include "spaces/families.hpp"

namespace hwnas::spaces {

namespace {

constexpr SpaceFamily kFamilies[] = {
    {"mobile", "inverted residual blocks in stages, as in MobileNetV2 and V3", make_mobile},
    {"dscnn", "depthwise-separable blocks for speech features, as in MLPerf Tiny", make_dscnn},
    {"resnet", "basic residual blocks in stages", make_resnet},
    {"conv1d", "one-dimensional convolutions for time series", make_conv1d},
    {"nasbench201", "the 15,625 cells of NAS-Bench-201", make_nasbench201},
};

constexpr std::size_t kMaxDecisions = 256;
constexpr double kMaxLog10Size = 300;  // so that the number of genotypes is a finite double
constexpr int kMaxClasses = 1 << 20;

void require_budgets(const SearchSpace& space, const Config& options) {
  const std::size_t decisions = space.decisions().size();
  if (decisions > kMaxDecisions) {
    options.fail(fmt::format("{} decisions, but {} are the limit", decisions, kMaxDecisions));
  }
  if (log10_size(space) > kMaxLog10Size) {
    options.fail(fmt::format("10^{:.0f} genotypes, but 10^{:.0f} are the limit", log10_size(space),
                             kMaxLog10Size));
  }
}

/// Finds out now, not in the middle of a search, that networks do not fit the task or memory.
void require_decodable_extremes(const SearchSpace& space, const Config& options) {
  Genotype smallest, largest;
  for (const Decision& decision : space.decisions()) {
    smallest.choices.push_back(0);
    largest.choices.push_back(static_cast<std::uint16_t>(decision.options.size() - 1));
  }
  const auto require_decodable = [&](std::string_view which, const Genotype& genotype) {
    try {
      space.decode(genotype);
    } catch (const Error& failure) {
      options.fail(fmt::format("the {} network is refused: {}", which, failure.what()));
    }
  };
  require_decodable("smallest", smallest);
  require_decodable("largest", largest);
}

}  // namespace

std::span<const SpaceFamily> space_families() {
  return kFamilies;
}

std::unique_ptr<SearchSpace> make_space(const Config& options, const Task& task) {
  if (task.classes < 1 || task.classes > kMaxClasses) {
    throw invalid_argument("a space for {} classes: must be 1..{}", task.classes, kMaxClasses);
  }
  std::vector<std::string> names;
  for (const SpaceFamily& family : kFamilies) names.emplace_back(family.name);
  const SpaceFamily& family = kFamilies[options.at("family").as_one_of(names)];
  std::unique_ptr<SearchSpace> space = family.make(options, task);
  require_budgets(*space, options);
  require_decodable_extremes(*space, options);
  return space;
}

}  // namespace hwnas::spaces
