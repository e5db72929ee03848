#pragma once

#include <nlohmann/json.hpp>

#include "report/run_summary.hpp"

/// The differentiable stage as in report.json, and back: engine/ keeps it in this form.
namespace hwnas::report {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DecisionProbabilities, decision, options, probabilities)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DifferentiableSummary, skipped, steps, genotype, description,
                                   loss, cross_entropy, val_top1, cost_metric, cost, expected_cost,
                                   feasible_share, entropy, uniform_entropy, decisions)

}  // namespace hwnas::report
