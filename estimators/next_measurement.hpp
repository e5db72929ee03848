#pragma once

#include <vector>

#include "estimators/bayes_linear.hpp"

namespace hwnas::estimators {

/// Which candidate to measure next so that the costs of all networks of `pool` are known best:
/// the one whose measurement lowers the mean of their variances most (active learning by Cohn,
/// "Neural Network Exploration Using Optimal Experiment Design", Neural Networks 1996). Where
/// hypotheses disagree, that is part of the variance, so what tells them apart is measured. Returns
/// an index into the rows of `candidates`, none of `measured`, the first of equals; -1 if all are
/// measured. Deterministic.
int next_to_measure(const BayesLinear& model, const FeatureMatrix& candidates,
                    const std::vector<int>& measured, const FeatureMatrix& pool);

}  // namespace hwnas::estimators
