#pragma once

#include "bench/learners.hpp"
#include "estimators/linear_prior.hpp"

/// The learners of few measurements; everyone else uses make_learner.
namespace hwnas::bench {

/// A setting's sources as priors take them.
std::vector<estimators::DeviceCosts> costs_of(const Setting& setting);

/// estimators::execution_prior; the first five networks by D-optimal design for the counts of all
/// operators and of those the output needs, the others one by one where the model is uncertain
/// (estimators::next_to_measure).
Learner bayes_linear(const Setting& setting);
Learner d_optimal_bayes_linear(const Setting& setting);  ///< all by that design
Learner random_bayes_linear(const Setting& setting);

/// estimators::additive_prior; the first five networks by D-optimal design for the prior's basis,
/// the others where the model is uncertain.
Learner additive_linear(const Setting& setting);
Learner random_additive_linear(const Setting& setting);

}  // namespace hwnas::bench
