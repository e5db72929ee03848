#include "service/network_quota.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "spaces/search_space.hpp"

namespace hwnas::service {
namespace {

constexpr std::int64_t kFloatBytes = 4;

struct Needs {
  std::int64_t parameters = 0;
  std::int64_t macs = 0;
  std::int64_t activation_bytes = 0;
};

std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::int64_t>::max() : sum;
}

/// No tensor of a decoded network has more than 2^28 elements, so that only sums can overflow.
Needs needs_of(const ir::Network& network) {
  Needs needs{ir::parameters(network), ir::macs(network), 0};
  for (const ir::Shape& shape : ir::infer_shapes(network)) {
    needs.activation_bytes = saturating_add(needs.activation_bytes, kFloatBytes * shape.elements());
  }
  return needs;
}

Needs larger_of(const Needs& a, const Needs& b) {
  return {std::max(a.parameters, b.parameters), std::max(a.macs, b.macs),
          std::max(a.activation_bytes, b.activation_bytes)};
}

/// With its options the networks. Flags are in order, too, but "separable" makes them smaller.
bool grows(const spaces::Decision& decision) {
  const bool flag = decision.options.front() == "false" || decision.options.front() == "true";
  return decision.ordered && !flag;
}

/// Of the network with the last option of every decision that grows; the options of the others are
/// tried one after the other.
Needs greatest_needs(const spaces::SearchSpace& space) {
  const auto decisions = space.decisions();
  spaces::Genotype genotype;
  for (const spaces::Decision& decision : decisions) {
    genotype.choices.push_back(static_cast<std::uint16_t>(decision.options.size() - 1));
  }
  Needs greatest = needs_of(space.decode(genotype));
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    if (grows(decisions[i])) continue;
    std::uint16_t best = genotype.choices[i];
    std::int64_t most_parameters = -1;
    for (std::uint16_t option = 0; option < decisions[i].options.size(); ++option) {
      genotype.choices[i] = option;
      const Needs needs = needs_of(space.decode(genotype));
      greatest = larger_of(greatest, needs);
      if (needs.parameters <= most_parameters) continue;
      most_parameters = needs.parameters;
      best = option;
    }
    genotype.choices[i] = best;
  }
  return greatest;
}

/// A sample of the kind that the family reads, for data that nobody has looked at yet.
spaces::Task usual_task(const Config& space) {
  const bool series = space.at("family").as_string() == "conv1d";
  return {series ? ir::Shape{1, 1, 1024} : ir::Shape{3, 32, 32}, 10};
}

void require_at_most(std::int64_t need, std::int64_t quota, const char* what, const Config& space) {
  if (need <= quota) return;
  space.fail(
      fmt::format("networks of it have up to {:.3g} {}, and {:.3g} are the most that this "
                  "daemon takes: give narrower, shallower or smaller choices",
                  static_cast<double>(need), what, static_cast<double>(quota)));
}

}  // namespace

std::unique_ptr<spaces::SearchSpace> space_of(const engine::Experiment& experiment) {
  const auto& known_task = experiment.task_without_data;
  return spaces::make_space(experiment.space,
                            known_task ? *known_task : usual_task(experiment.space));
}

void require_within(const NetworkQuota& quota, const engine::Experiment& experiment) {
  const Needs needs = greatest_needs(*space_of(experiment));
  require_at_most(needs.parameters, quota.parameters, "parameters", experiment.space);
  if (!experiment.task_without_data) return;
  require_at_most(needs.macs, quota.macs, "multiply-accumulates a sample", experiment.space);
  require_at_most(needs.activation_bytes, quota.activation_bytes, "bytes of activations a sample",
                  experiment.space);
}

}  // namespace hwnas::service
