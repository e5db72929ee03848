#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "core/rng.hpp"
#include "ir/network.hpp"

namespace hwnas::spaces {

/// One point of a space: for each decision, the index of the chosen option. No weights, no graph.
struct Genotype {
  std::vector<std::uint16_t> choices;
  auto operator<=>(const Genotype&) const = default;
};

struct GenotypeHash {
  std::size_t operator()(const Genotype& genotype) const noexcept;
};

/// "3-0-1": the form in stores, tables and on the command line.
std::string to_string(const Genotype& genotype);
/// Throws InvalidArgument.
Genotype genotype_from_string(std::string_view text);

/// A choice that is open. What YAML fixes to one option is no decision of the families here.
struct Decision {
  std::string name;                  ///< unique, e.g. "stage2.expansion"
  std::vector<std::string> options;  ///< at least one
  bool ordered = false;              ///< options grow from small to large (kernel, width, depth)
};

/// Independent decisions, whatever their genotypes stand for: what strategies work on. Immutable
/// and thread-safe after construction.
class DecisionSpace {
 public:
  virtual ~DecisionSpace() = default;

  /// Fixed for the life of the space.
  virtual std::span<const Decision> decisions() const = 0;

  /// The representative of all genotypes that stand for the same, which is the first of them.
  /// Idempotent. Throws InvalidArgument if the genotype is not a member.
  virtual Genotype canonical(const Genotype& genotype) const { return genotype; }
};

/// A set of networks spanned by decisions: equal networks <=> equal canonical genotypes.
class SearchSpace : public DecisionSpace {
 public:
  /// The network of a genotype, verified. Ends in a linear layer of `classes` logits, without
  /// softmax. Throws InvalidArgument if the genotype is not a member.
  virtual ir::Network decode(const Genotype& genotype) const = 0;
};

/// What a space is built for.
struct Task {
  ir::Shape input;
  int classes = 0;
};

/// A family of spaces; which of its choices are open is read from YAML.
struct SpaceFamily {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<SearchSpace> (*make)(const Config& options, const Task& task);
};

/// All families: mobile, dscnn, resnet, conv1d, nasbench201.
std::span<const SpaceFamily> space_families();

/// `options` is the content of a configs/spaces/*.yaml file: "family" names the row of
/// space_families(), all other keys belong to the family (docs/spaces.md). Decodes the smallest and
/// the largest network. Throws InvalidArgument with place.
std::unique_ptr<SearchSpace> make_space(const Config& options, const Task& task);

// Written once for all spaces.

/// Throws InvalidArgument naming the decision if a choice is out of range or the length is wrong.
void require_member(const DecisionSpace& space, const Genotype& genotype);
/// log10 of the number of genotypes.
double log10_size(const DecisionSpace& space);
/// Uniform over genotypes.
Genotype sample(const DecisionSpace& space, Rng& rng);
/// Exactly one decision (with two or more options) set to another option; with none, the genotype.
Genotype mutate(const DecisionSpace& space, const Genotype& parent, Rng& rng);
/// Every choice from either parent with probability 1/2.
Genotype crossover(const Genotype& a, const Genotype& b, Rng& rng);
/// All genotypes that differ in exactly one decision.
std::vector<Genotype> neighbours(const DecisionSpace& space, const Genotype& genotype);
/// One-hot, the concatenation over decisions: what learned predictors take.
std::vector<float> encode(const DecisionSpace& space, const Genotype& genotype);
/// "stage1.depth=2 stage1.kernel=5 …"
std::string describe(const DecisionSpace& space, const Genotype& genotype);

}  // namespace hwnas::spaces
