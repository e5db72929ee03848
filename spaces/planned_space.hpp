#pragma once

#include <vector>

#include "spaces/options.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::spaces {

/// A space that decodes in two steps: a genotype to a plan (widths, kernels, … of the blocks that
/// exist, and nothing of decisions that do not matter), and a plan to a network. `Plan` is
/// comparable, and equal plans <=> equal networks.
template <typename Plan>
class PlannedSpace : public SearchSpace {
 public:
  explicit PlannedSpace(const Task& task) : task_(task) {}

  std::span<const Decision> decisions() const final { return decisions_.decisions(); }

  ir::Network decode(const Genotype& genotype) const final {
    require_member(*this, genotype);
    return build(plan(genotype));
  }

  /// The smallest genotype with the same plan. Choosing one decision after the other finds it,
  /// because the genotypes of a plan are a product: whether an option suits the plan depends on no
  /// other decision that is still free.
  Genotype canonical(const Genotype& genotype) const final {
    require_member(*this, genotype);
    const Plan wanted = plan(genotype);
    Genotype smallest = genotype;
    for (std::uint16_t& choice : smallest.choices) {
      const std::uint16_t given = choice;
      for (choice = 0; choice < given && plan(smallest) != wanted;) ++choice;
    }
    return smallest;
  }

 protected:
  virtual Plan plan(const Genotype& genotype) const = 0;
  virtual ir::Network build(const Plan& plan) const = 0;

  Task task_;
  DecisionList decisions_;
};

}  // namespace hwnas::spaces
