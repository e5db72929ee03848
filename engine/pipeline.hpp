#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/experiment.hpp"
#include "report/run_summary.hpp"

namespace hwnas::engine {

struct Training;

/// What a front end shows while a run is going on. Sent from the pipeline's thread, in order.
struct Progress {
  std::string stage;    ///< "prepare", "supernet", "differentiable", "search", "finalists",
                        ///< "compression", "export", "report"
  double fraction = 0;  ///< of the stage, 0..1
  double stage_seconds = 0;
  std::optional<double> seconds_left;  ///< of the stage
  std::size_t trials_done = 0;         ///< evaluated
  std::size_t trials_infeasible = 0;
  std::size_t front_size = 0;
  std::string message;  ///< one line worth keeping in a log, or empty
};
using ProgressSink = std::function<void(const Progress&)>;

struct RunOptions {
  std::filesystem::path folder;  ///< of the run; created by start_run
  ProgressSink progress = {};
  std::stop_token drain = {};       ///< finish the running epochs, store, return kInterrupted
  std::optional<int> workers = {};  ///< instead of the experiment's
};

enum class RunState { kFinished, kInterrupted };

/// What a run's folder holds at the end.
struct RunResult {
  RunState state = RunState::kFinished;
  std::filesystem::path folder;
  std::filesystem::path report_html;
  std::filesystem::path exported_onnx;  ///< empty unless exported
  std::optional<std::uint64_t> chosen_trial;
};

/// What start_run checks before it creates anything, beyond Experiment::parse: the data can be
/// read, the space and the evaluator can be made, and the space's smallest network keeps every
/// limit (FailedPrecondition naming the limit and the smallest reachable value otherwise).
void check_runnable(const Experiment& experiment);

/// Creates the run's folder and its store, then runs all stages: prepare, search, finalists,
/// compression, export, report. Throws AlreadyExists if the folder holds a run, FailedPrecondition
/// if another process has it locked, and what check_runnable throws; nothing is created then.
/// SearchFailed if a stage ends without a result: the run's folder keeps what there is.
RunResult start_run(const Experiment& experiment, const RunOptions& options);

/// Goes on with a run from its store: finished stages are skipped, finished trials are replayed
/// into a fresh strategy, whose proposals must equal the recorded ones (Internal otherwise). On a
/// finished run it does nothing. Throws NotFound if the folder holds no run, FailedPrecondition if
/// another process has it locked or the store is damaged.
RunResult resume_run(const RunOptions& options);

/// The same with another way to train than LibTorch's (see engine/training.hpp).
RunResult start_run(const Experiment& experiment, const RunOptions& options,
                    const Training& training);
RunResult resume_run(const RunOptions& options, const Training& training);

/// What the report shows, from the store alone; works on running, interrupted and finished runs.
report::RunSummary summarise_run(const std::filesystem::path& folder);

/// report.html, report.json, trials.csv and front.svg into the run's folder (or `to`).
void write_report(const std::filesystem::path& folder, const std::filesystem::path& to);

/// Exports one trained finalist (the chosen one by default) of a finished run again. No formats:
/// the experiment's. `to` empty: the run's own folder of exports, which always holds what the
/// experiment asks for: throws InvalidArgument if that is not what is exported.
void export_run(const std::filesystem::path& folder, const std::vector<std::string>& formats,
                const std::filesystem::path& to, std::optional<std::uint64_t> trial);

}  // namespace hwnas::engine
