#include <fmt/format.h>

#include <algorithm>

#include "core/file.hpp"
#include "engine/differentiable_file.hpp"
#include "engine/finalist_files.hpp"
#include "engine/front.hpp"
#include "engine/pipeline.hpp"
#include "engine/rank_agreement.hpp"
#include "engine/run_facts.hpp"
#include "engine/stages.hpp"
#include "report/report.hpp"

#include <nlohmann/json.hpp>

namespace hwnas::engine {
namespace {

std::string run_state(const RunRecord& run, const std::vector<StageRecord>& stages, bool locked) {
  if (locked) return "running";
  if (std::ranges::all_of(stages, &StageRecord::done)) return "finished";
  return run.failure.empty() ? "interrupted" : "failed";
}

std::vector<report::StageSummary> summarise_stages(const std::vector<StageRecord>& stages,
                                                   bool locked) {
  std::vector<report::StageSummary> summaries;
  bool earlier_done = true;
  for (const StageRecord& stage : stages) {
    const bool running = locked && earlier_done && !stage.done;
    summaries.push_back({std::string(to_string(stage.stage)), stage.seconds,
                         stage.done ? "done"
                         : running  ? "running"
                                    : "pending"});
    earlier_done = stage.done;
  }
  return summaries;
}

/// Why the trial, or its measurement on the device, failed.
std::string reason_of(const TrialRecord& trial) {
  if (!trial.reason.empty() || !trial.measurement || trial.measurement->ok()) return trial.reason;
  return fmt::format("measurement {}: {}", measurement::to_string(trial.measurement->status),
                     trial.measurement->reason);
}

/// Only finished ones: a running trial has no state to show.
std::vector<report::TrialSummary> summarise_trials(const std::vector<TrialRecord>& trials,
                                                   const search::ParetoArchive& front) {
  std::vector<report::TrialSummary> summaries;
  for (const TrialRecord& trial : trials) {
    if (!trial.state) continue;
    const bool on_front = std::ranges::find(front.points(), trial.id, &search::ParetoPoint::id) !=
                          front.points().end();
    summaries.push_back({trial.id, spaces::to_string(trial.genotype), trial.description,
                         *trial.state, reason_of(trial), trial.metrics, trial.curve,
                         trial.start_seconds, trial.end_seconds, trial.worker, on_front});
  }
  return summaries;
}

std::vector<report::FinalistSummary> summarise_finalists(
    const std::vector<FinalistRecord>& finalists) {
  std::vector<report::FinalistSummary> summaries;
  for (const FinalistRecord& finalist : finalists) {
    summaries.push_back({finalist.trial, network_of(finalist), finalist.metrics, finalist.curve,
                         finalist.chosen, finalist.test_top1, finalist.per_layer});
  }
  return summaries;
}

void fill_experiment(const Experiment& experiment, report::RunSummary& summary) {
  summary.name = experiment.name;
  summary.seed = experiment.seed;
  summary.space = experiment.space.at("family").as_string();
  summary.strategy = experiment.search.at("strategy").as_string();
  summary.device = experiment.device.name;
  summary.runtime = experiment.runtime;
  for (const Objective& objective : experiment.objectives) {
    summary.objectives.push_back({objective.metric, objective.maximize});
  }
  for (const Limit& limit : experiment.limits) {
    summary.limits.push_back({limit.metric, limit.bound});
  }
}

std::optional<report::RankCheckSummary> summarise_rank_check(const Experiment& experiment,
                                                             const StoreReader& store) {
  const std::vector<RankCheckRecord> check = store.rank_check();
  const auto agreement = rank_agreement(check);
  if (!agreement) return std::nullopt;
  const double least_tau = experiment.supernet->least_tau;
  const TrustedScores trusted = trusted_scores(check, least_tau);
  report::RankCheckSummary summary{.networks = {},
                                   .size_weight = agreement->size_weight,
                                   .tau = agreement->tau,
                                   .low = agreement->low,
                                   .high = agreement->high,
                                   .least_tau = least_tau,
                                   .line = agreement->line,
                                   .used = trusted == TrustedScores::kOneShot,
                                   .few_shot = std::nullopt};
  const auto split = few_shot_agreement(check);
  for (const RankCheckRecord& network : check) {
    if (!network.alone_top1) continue;
    const double loss = network.few_shot_loss.value_or(network.supernet_loss);
    summary.networks.push_back({spaces::to_string(network.genotype), network.supernet_loss,
                                *network.alone_top1, network.few_shot_loss, network.parameters,
                                (split ? split : agreement)->score(loss, network.parameters)});
  }
  if (split) {
    const FewShotRecord few_shot = *store.few_shot();
    summary.few_shot = {.decision = few_shot.decision,
                        .similarity = few_shot.similarity,
                        .size_weight = split->size_weight,
                        .tau = split->tau,
                        .low = split->low,
                        .high = split->high,
                        .line = split->line,
                        .used = trusted == TrustedScores::kFewShot};
  }
  return summary;
}

void write_pages(const report::RunSummary& run, const std::filesystem::path& to) {
  std::filesystem::create_directories(to);
  write_file_atomically(to / "report.html", report::render_html(run));
  // Whatever a message holds, the report is written: bytes that are no UTF-8 are replaced.
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  write_file_atomically(to / "report.json",
                        report::render_json(run).dump(2, ' ', false, kReplace) + "\n");
  write_file_atomically(to / "front.svg", report::render_front_svg(run));
  write_file_atomically(to / "trials.csv", report::render_csv(run));
}

}  // namespace

report::RunSummary summarise_run(const std::filesystem::path& folder) {
  const StoreReader store(folder);
  const bool locked = is_locked(folder);
  const RunRecord run = store.run();
  const Experiment experiment = stored_experiment(store);
  const std::vector<StageRecord> stages = store.stages();
  const std::vector<TrialRecord> trials = store.trials();
  report::RunSummary summary;
  fill_experiment(experiment, summary);
  summary.config_yaml = run.experiment;
  summary.state = run_state(run, stages, locked);
  summary.started = run.started;
  summary.hwnas_version = run.version;
  summary.machine = run.machine;
  summary.rank_check = summarise_rank_check(experiment, store);
  if (std::optional<DifferentiableRecord> record = find_differentiable(folder)) {
    if (record->summary) summary.differentiable = std::move(record->summary);
  }
  summary.trials = summarise_trials(trials, pareto_front(experiment, trials));
  summary.finalists = summarise_finalists(store.finalists());
  if (std::optional<CompressionRecord> compression = store.compression()) {
    summary.compression = std::move(compression->summary);
  }
  summary.stages = summarise_stages(stages, locked);
  summary.artifacts = store.artifacts();
  return summary;
}

void write_report(const std::filesystem::path& folder, const std::filesystem::path& to) {
  write_pages(summarise_run(folder), to);
}

StageOutcome run_report(RunContext& run) {
  report::RunSummary summary = summarise_run(run.folder());
  summary.state = "finished";
  summary.stages.back().state = "done";
  summary.stages.back().seconds = run.stage_seconds();
  write_pages(summary, run.folder());
  return StageOutcome::kDone;
}

}  // namespace hwnas::engine
