#include "engine/pipeline.hpp"

#include <chrono>
#include <utility>

#include "core/error.hpp"
#include "engine/evaluator.hpp"
#include "engine/run_facts.hpp"
#include "engine/stages.hpp"

namespace hwnas::engine {
namespace {

/// Everything that can fail before the first trial, so that a run that cannot start leaves nothing
/// behind.
Inputs prepare(const Experiment& experiment, const Training& training) {
  Inputs inputs = load_inputs(experiment);
  require_reachable_limits(experiment, *inputs.space);
  make_evaluator({experiment, inputs, training});
  return inputs;
}

/// Throws if the machine has too few cores.
void set_worker_threads(const Experiment& experiment, const RunOptions& options,
                        const Training& training) {
  const bool trains =
      find_evaluator(experiment.evaluator).needs_data || experiment.finalists.count > 0;
  if (!trains) return;
  training.set_worker_threads(options.workers.value_or(experiment.workers),
                              experiment.threads_per_worker);
}

void report_prepare(const RunOptions& options, double fraction, double seconds) {
  if (!options.progress) return;
  Progress progress;
  progress.stage = to_string(Stage::kPrepare);
  progress.fraction = fraction;
  progress.stage_seconds = seconds;
  options.progress(progress);
}

StageOutcome search_with_evaluator(RunContext& run) {
  const Store& store = run.store();
  const auto evaluator = make_evaluator({run.experiment(), run.inputs(), run.training(),
                                         run.folder(), store.rank_check(), store.few_shot()});
  return run_search(run, *evaluator);
}

StageOutcome run_stage(RunContext& run, Stage stage) {
  switch (stage) {
    case Stage::kPrepare:
      require_reachable_limits(run.experiment(), *run.inputs().space);
      return StageOutcome::kDone;
    case Stage::kSupernet:
      return run_supernet(run);
    case Stage::kDifferentiable:
      return run_differentiable(run);
    case Stage::kSearch:
      return search_with_evaluator(run);
    case Stage::kFinalists:
      return run_finalists(run);
    case Stage::kCompression:
      return run_compression(run);
    case Stage::kExport:
      return run_export(run);
    case Stage::kReport:
      return run_report(run);
  }
  return StageOutcome::kDone;
}

RunState run_stages(RunContext& run) {
  for (const StageRecord& stage : run.store().stages()) {
    if (stage.done) continue;
    run.begin(stage.stage);
    if (run.draining() || run_stage(run, stage.stage) == StageOutcome::kInterrupted) {
      run.pause();
      return RunState::kInterrupted;
    }
    run.finish();
  }
  return RunState::kFinished;
}

RunResult result_of(RunState state, const Store& store, const std::filesystem::path& folder) {
  RunResult result{state, folder, {}, {}, std::nullopt};
  if (state == RunState::kFinished) result.report_html = folder / "report.html";
  for (const report::ArtifactSummary& artifact : store.artifacts()) {
    if (artifact.format == "onnx") result.exported_onnx = folder / artifact.file;
  }
  for (const FinalistRecord& finalist : store.finalists()) {
    if (finalist.chosen) result.chosen_trial = finalist.trial;
  }
  return result;
}

/// The reason is for those who look at the run later; it must not hide the error itself.
void note_failure(Store& store, const std::string& reason) {
  try {
    store.set_failure(reason);
  } catch (const Error&) {
  }
}

RunResult run_attempt(const Experiment& experiment, const RunOptions& options,
                      const Training& training, Store& store, std::optional<Inputs> inputs) {
  RunContext run(experiment, options, training, store, std::move(inputs));
  try {
    store.set_failure("");
    return result_of(run_stages(run), store, options.folder);
  } catch (const std::exception& thrown) {
    note_failure(store, thrown.what());
    throw;
  }
}

}  // namespace

void check_runnable(const Experiment& experiment) {
  prepare(experiment, Training());
}

RunResult start_run(const Experiment& experiment, const RunOptions& options,
                    const Training& training) {
  if (holds_run(options.folder)) throw run_exists(options.folder);
  set_worker_threads(experiment, options, training);
  report_prepare(options, 0, 0);
  const auto start = std::chrono::steady_clock::now();
  Inputs inputs = prepare(experiment, training);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  Store store = Store::create(options.folder, record_of(experiment));
  store.set_stage({Stage::kPrepare, true, seconds.count()});
  report_prepare(options, 1, seconds.count());
  return run_attempt(experiment, options, training, store, std::move(inputs));
}

RunResult resume_run(const RunOptions& options, const Training& training) {
  Store store = Store::open(options.folder);
  const Experiment experiment = stored_experiment(store);
  set_worker_threads(experiment, options, training);
  return run_attempt(experiment, options, training, store, std::nullopt);
}

}  // namespace hwnas::engine
