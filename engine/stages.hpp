#pragma once

#include <span>

#include "engine/run_context.hpp"
#include "engine/search_stage.hpp"
#include "search/pareto.hpp"

namespace hwnas::engine {

/// The prepare stage's check: throws FailedPrecondition if a limit is smaller than the smallest
/// value of its metric that the space reaches.
void require_reachable_limits(const Experiment& experiment, const spaces::SearchSpace& space);

/// Trains the run's supernet, and checks how it ranks networks against their own training. Epochs
/// and networks that are done stay so. Throws SearchFailed if the training diverges.
StageOutcome run_supernet(RunContext& run);

/// Optimises a distribution over networks by gradients on the run's supernet, from which the search
/// starts (see differentiable_file.hpp). Steps that are kept stay done. Skipped, with the reason
/// kept, if the supernet failed its rank check.
StageOutcome run_differentiable(RunContext& run);

/// Trains chosen points of the front on the whole training split, measures their latency on this
/// processor, and chooses the one with the best validation accuracy. A finalist whose weights are
/// stored is not trained again. Throws SearchFailed if no training succeeds.
StageOutcome run_finalists(RunContext& run);

/// `count` points of a front sorted by its first objective: its best one, and the others evenly
/// spread down to its end.
std::vector<std::uint64_t> spread_over_front(std::span<const search::ParetoPoint> front, int count);

/// Brings the chosen finalist to integers by the experiment's passes. An interrupted one starts
/// again.
StageOutcome run_compression(RunContext& run);

/// Writes the chosen finalist in every format wanted, checked against the network that was scored,
/// into <folder>/export/ with manifest.json beside it; then tests it on the test data, once.
StageOutcome run_export(RunContext& run);

/// report.html, report.json, trials.csv and front.svg of the run, as it will be when this stage is
/// done.
StageOutcome run_report(RunContext& run);

}  // namespace hwnas::engine
