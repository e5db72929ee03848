#pragma once

#include "cli/command.hpp"
#include "engine/pipeline.hpp"
#include "report/run_summary.hpp"

namespace hwnas::cli {

/// What a run found, for people: its finalists, or where there are none the front of its search,
/// one line each with the metrics. Predicted values stand with one standard deviation.
std::string describe_findings(const report::RunSummary& run);

/// Writes the result to standard output; of an interrupted run, how to go on to standard error.
/// Sets the exit code.
void print_result(const engine::RunResult& result, Invocation& invocation);

}  // namespace hwnas::cli
