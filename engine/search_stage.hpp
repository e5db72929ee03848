#pragma once

#include "engine/evaluator.hpp"
#include "engine/run_context.hpp"

namespace hwnas::engine {

/// Searches until experiment.trials candidates have been evaluated or the space is exhausted; on a
/// resumed run the recorded trials are first replayed by the same loop.
///
/// The order of calls to the strategy is a function of the experiment alone: up to `window`
/// evaluations are asked for ahead of the results told, results are told one at a time in id order,
/// and infeasible proposals are told as soon as they are the next in order. Hence neither the
/// number of workers nor the time that an evaluation takes changes the result.
///
/// Throws Internal if a replayed proposal differs from the recorded one, FailedPrecondition if
/// max_infeasible proposals in a row break limits or if no trial completes, and what Store throws.
StageOutcome run_search(RunContext& run, const Evaluator& evaluator);

}  // namespace hwnas::engine
