#pragma once

#include <optional>
#include <vector>

#include "core/rng.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::search {

/// One number for each option of each decision of a space.
using PerOption = std::vector<std::vector<double>>;

/// Genotypes drawn decision by decision, each independently of the others: the factorised
/// distribution over architectures of Xie et al., "SNAS", ICLR 2019, section 2.1, and Wu et al.,
/// "FBNet", CVPR 2019, section 3.3.
struct Distribution {
  PerOption probabilities;  ///< those of a decision sum to 1

  spaces::Genotype sample(Rng& rng) const;
  /// The likeliest option of each decision, of equal ones the first.
  spaces::Genotype mode() const;
  /// In nats; 0 if only one genotype is left.
  double entropy() const;
};

Distribution uniform_distribution(const spaces::DecisionSpace& space);

/// Throws InvalidArgument, naming the decision, if it does not have a probability for each option
/// of the space, or those of a decision do not sum to 1 (to 1e-6).
void require_fit(const Distribution& distribution, const spaces::DecisionSpace& space);

/// What a strategy begins with instead of uniform draws.
struct Start {
  std::vector<spaces::Genotype> genotypes = {};   ///< proposed first, in this order
  std::optional<Distribution> distribution = {};  ///< of the draws after them
};

}  // namespace hwnas::search
