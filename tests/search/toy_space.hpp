#pragma once

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

#include "spaces/search_space.hpp"

namespace hwnas::search {

/// A chain of 1x1 convolutions of `options` widths. In a conditional space the second decision
/// matters only if the first is not 0.
class ToySpace final : public spaces::SearchSpace {
 public:
  ToySpace(std::size_t decisions, std::size_t options, bool conditional = false)
      : conditional_(conditional) {
    for (std::size_t i = 0; i < decisions; ++i) {
      spaces::Decision decision{.name = fmt::format("width{}", i), .options = {}, .ordered = true};
      for (std::size_t k = 1; k <= options; ++k) decision.options.push_back(fmt::format("{}", k));
      decisions_.push_back(std::move(decision));
    }
  }

  std::span<const spaces::Decision> decisions() const override { return decisions_; }

  ir::Network decode(const spaces::Genotype& genotype) const override {
    spaces::require_member(*this, genotype);
    ir::Network network{.input = {.channels = 1}, .layers = {}};
    for (const std::uint16_t choice : canonical(genotype).choices) {
      const int at = static_cast<int>(network.layers.size());
      ir::Layer& layer = network.layers.emplace_back();
      layer.name = fmt::format("conv{}", at);
      layer.op = ir::Conv2d{.out_channels = 1 + choice, .window = {}};
      layer.inputs = {at - 1};
    }
    return network;
  }

  spaces::Genotype canonical(const spaces::Genotype& genotype) const override {
    spaces::Genotype result = genotype;
    if (conditional_ && result.choices[0] == 0) result.choices[1] = 0;
    return result;
  }

 private:
  std::vector<spaces::Decision> decisions_;
  bool conditional_;
};

/// Every genotype of a space, in counting order.
inline std::vector<spaces::Genotype> all_genotypes(const spaces::SearchSpace& space) {
  std::vector<spaces::Genotype> all(1);
  for (const spaces::Decision& decision : space.decisions()) {
    std::vector<spaces::Genotype> longer;
    for (const spaces::Genotype& prefix : all) {
      for (std::size_t k = 0; k < decision.options.size(); ++k) {
        longer.push_back(prefix);
        longer.back().choices.push_back(static_cast<std::uint16_t>(k));
      }
    }
    all = std::move(longer);
  }
  return all;
}

inline std::set<spaces::Genotype> all_canonical(const spaces::SearchSpace& space) {
  std::set<spaces::Genotype> all;
  for (const spaces::Genotype& genotype : all_genotypes(space)) {
    all.insert(space.canonical(genotype));
  }
  return all;
}

}  // namespace hwnas::search
