#pragma once

#include <torch/torch.h>

#include <functional>
#include <stop_token>
#include <vector>

#include "core/rng.hpp"
#include "nn/shared_parameters.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::train {

/// The gradient of one network's loss in the parameters that the networks of a space share; both
/// 1-D, of all of them.
struct SharedGradient {
  torch::Tensor values;   ///< 0 where the network lacks the parameter
  torch::Tensor present;  ///< 1 where the network has the parameter, else 0
};

/// Sets `present` to 1 at the parameters that are selected.
void mark(const nn::SharedParameters::Selection& selection, torch::Tensor& present);

/// Cosine of the angle between two gradients, over the parameters that both networks have; 1 if one
/// of the gradients is zero there, so that there is nothing to disagree on.
double cosine_similarity(const SharedGradient& a, const SharedGradient& b);

/// For each decision: draws `draws` genotypes, sets that decision to each of its options, and
/// averages the cosine similarity of the gradients over pairs of options and draws (Hu et al.,
/// "Generalizing Few-Shot NAS with Gradient Matching", ICLR 2022, the score GM). 1 for a decision
/// with one option; options that stand for the same network, such as those of a block that a
/// shallow network lacks, agree fully. `gradient_of(genotype, draw)` uses the same samples for the
/// same draw. Empty if `stop` ended it.
///
/// Unlike there, an option's gradient is that of single networks, and not the mean over a part of
/// the supernet.
std::vector<double> match_gradients(
    const spaces::DecisionSpace& space, std::size_t draws, Rng& rng,
    const std::function<SharedGradient(const spaces::Genotype& genotype, std::size_t draw)>&
        gradient_of,
    const std::stop_token& stop = {});

}  // namespace hwnas::train
