#include <fmt/format.h>
#include <tbb/concurrent_queue.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "core/error.hpp"
#include "core/executor.hpp"
#include "engine/costs.hpp"
#include "engine/device_measurer.hpp"
#include "engine/finalist_files.hpp"
#include "engine/front.hpp"
#include "engine/host_latency.hpp"
#include "engine/seed_stream.hpp"
#include "engine/stages.hpp"
#include "engine/supernet_evaluator.hpp"
#include "train/path_sampler.hpp"

namespace hwnas::engine {
namespace {

struct EpochEnded {
  std::uint64_t trial = 0;
  train::EpochResult epoch;
};
struct TrainingEnded {
  FinalistRecord finalist;
  ir::Weights weights;  ///< empty unless finalist.trained
  bool interrupted = false;
};
using Message = std::variant<EpochEnded, TrainingEnded>;

/// The cost models with what all measurements of the search taught.
CostModels costs_after(const Experiment& experiment, const spaces::SearchSpace& space,
                       std::span<const TrialRecord> trials) {
  CostModels costs(experiment);
  for (const TrialRecord& trial : trials) {
    if (!trial.measurement) continue;
    if (const auto latency = measured_latency(*trial.measurement)) {
      costs.learn(space.decode(trial.genotype), latency->value);
    }
  }
  return costs;
}

std::vector<FinalistRecord> choose_from_front(RunContext& run) {
  const Experiment& experiment = run.experiment();
  const std::vector<TrialRecord> trials = run.store().trials();
  const auto front = pareto_front(experiment, trials);
  const CostModels costs = costs_after(experiment, *run.inputs().space, trials);
  std::vector<FinalistRecord> finalists;
  for (const std::uint64_t trial : spread_over_front(front.points(), experiment.finalists.count)) {
    const ir::Network network = run.inputs().space->decode(trials[trial].genotype);
    FinalistRecord& finalist = finalists.emplace_back();
    finalist.trial = trial;
    finalist.rank = static_cast<int>(finalists.size()) - 1;
    finalist.network = ir::to_json(network).dump();
    finalist.metrics = costs.predict(network).metrics;
    if (const auto& measurement = trials[trial].measurement) {
      if (const auto latency = measured_latency(*measurement)) finalist.metrics.push_back(*latency);
    }
    finalist.metrics.push_back(predicted_host_latency(experiment, network));
    finalist.per_layer = costs.per_layer(network);
  }
  return finalists;
}

/// A failed training would fail again: it is deterministic.
bool is_settled(const FinalistRecord& finalist) {
  return finalist.trained || !finalist.reason.empty();
}

/// What finalists have from the run's supernet; nothing without one.
class Heritage {
 public:
  explicit Heritage(RunContext& run) {
    if (!run.experiment().supernet || !run.experiment().finalists.inherit) return;
    distillation_weight_ = run.experiment().finalists.distillation_weight;
    supernet_ = load_run_supernet({.experiment = run.experiment(),
                                   .inputs = run.inputs(),
                                   .training = run.training(),
                                   .folder = run.folder(),
                                   .few_shot = run.store().few_shot()});
    const spaces::SearchSpace& space = *run.inputs().space;
    const spaces::Genotype largest = train::largest_genotype(space);
    teacher_ = {space.decode(largest), supernet_->cut_out(largest)};
  }

  train::TrainStart start_of(const spaces::Genotype& genotype) const {
    if (!supernet_) return {};
    return {.weights = supernet_->cut_out(genotype),
            .teacher = &teacher_,
            .distillation_weight = distillation_weight_};
  }

 private:
  std::unique_ptr<train::Supernet> supernet_;
  train::Teacher teacher_;
  double distillation_weight_ = 0;
};

/// Trains the finalists that are not settled yet, concurrently.
class FinalistTraining {
 public:
  FinalistTraining(RunContext& run, const std::vector<FinalistRecord>& finalists);
  StageOutcome run_to_end();

 private:
  TrainingEnded train(FinalistRecord finalist, std::stop_token stop);
  void take(TrainingEnded ended);
  void report(std::string message);

  RunContext& run_;
  const LoadedData& data_;
  const Heritage heritage_;
  const std::vector<TrialRecord> trials_;
  const std::size_t all_;
  std::size_t running_ = 0;
  bool interrupted_ = false;
  double epochs_done_ = 0;
  tbb::concurrent_bounded_queue<Message> mailbox_;
  Executor executor_;  ///< last: its destructor waits for tasks that use the members above
};

FinalistTraining::FinalistTraining(RunContext& run, const std::vector<FinalistRecord>& finalists)
    : run_(run),
      data_(*run.inputs().data),
      heritage_(run),
      trials_(run.store().trials()),
      all_(finalists.size()),
      executor_(run.workers(), run.drain()) {
  for (const FinalistRecord& finalist : finalists) {
    if (is_settled(finalist)) {
      epochs_done_ += run.experiment().finalists.train.epochs;
      continue;
    }
    ++running_;
    executor_.submit(
        [this, finalist](int, std::stop_token stop) { mailbox_.push(train(finalist, stop)); });
  }
}

StageOutcome FinalistTraining::run_to_end() {
  report("");
  while (running_ > 0) {
    Message message;
    mailbox_.pop(message);
    if (const auto* ended = std::get_if<EpochEnded>(&message)) {
      ++epochs_done_;
      report(fmt::format("finalist {}: epoch {}, val_top1 {:.2f}", ended->trial, ended->epoch.epoch,
                         ended->epoch.validation_top1));
    } else {
      take(std::get<TrainingEnded>(std::move(message)));
    }
  }
  return interrupted_ ? StageOutcome::kInterrupted : StageOutcome::kDone;
}

TrainingEnded FinalistTraining::train(FinalistRecord finalist, std::stop_token stop) {
  if (stop.stop_requested()) return {std::move(finalist), {}, true};
  const Experiment& experiment = run_.experiment();
  finalist.metrics.clear();  // the store has those of the choice
  train::TrainOptions options = experiment.finalists.train;
  options.threads = experiment.threads_per_worker;
  const auto on_epoch = [&](const train::EpochResult& epoch) {
    finalist.curve.push_back(
        {epoch.epoch, epoch.train_loss, epoch.validation_loss, epoch.validation_top1});
    mailbox_.push(EpochEnded{finalist.trial, epoch});
    return true;
  };
  try {
    train::TrainResult result = run_.training().train_network(
        network_of(finalist), train_data(data_), options,
        stream_seed(experiment.seed, SeedStream::kFinalist, finalist.trial),
        heritage_.start_of(trials_[finalist.trial].genotype), on_epoch, stop);
    if (result.outcome == train::TrainOutcome::kCancelled) return {finalist, {}, true};
    finalist.trained = result.outcome == train::TrainOutcome::kComplete;
    finalist.reason = result.reason;
    if (finalist.trained) {
      finalist.metrics = {{"val_top1", result.validation_top1(), 0, estimators::Origin::kMeasured}};
    }
    return {finalist, std::move(result.weights), false};
  } catch (const std::exception& thrown) {
    finalist.reason = thrown.what();
    return {finalist, {}, false};
  }
}

void FinalistTraining::take(TrainingEnded ended) {
  --running_;
  interrupted_ = interrupted_ || ended.interrupted;
  if (ended.interrupted) return;
  FinalistRecord& finalist = ended.finalist;
  if (finalist.trained) save_weights(run_.folder(), ended.weights, finalist);
  run_.store().finish_finalist(finalist);
  report(fmt::format("finalist {} {}", finalist.trial,
                     finalist.trained ? "is trained" : "failed: " + finalist.reason));
}

void FinalistTraining::report(std::string message) {
  const double epochs = static_cast<double>(all_) * run_.experiment().finalists.train.epochs;
  run_.report(epochs_done_ / epochs, std::move(message));
}

/// After all training, so that nothing else loads the processor.
void measure_latencies(RunContext& run, const std::vector<FinalistRecord>& finalists) {
  for (const FinalistRecord& finalist : finalists) {
    const bool measured = std::ranges::any_of(finalist.metrics, [](const auto& metric) {
      return metric.name == kHostLatency && metric.origin == estimators::Origin::kMeasured;
    });
    if (!finalist.trained || measured) continue;
    const estimators::LatencyMeasurement latency = run.training().measure_network_latency(
        network_of(finalist), load_weights(run.folder(), finalist),
        run.experiment().threads_per_worker);
    run.store().add_finalist_metrics(finalist.trial, {measured_host_latency(latency)});
  }
}

std::uint64_t best_trained(const std::vector<FinalistRecord>& finalists) {
  const FinalistRecord* best = nullptr;
  double best_top1 = 0;
  for (const FinalistRecord& finalist : finalists) {
    if (!finalist.trained) continue;
    const double top1 = best_known_value(finalist.metrics, "val_top1");
    if (best != nullptr && top1 <= best_top1) continue;
    best = &finalist;
    best_top1 = top1;
  }
  if (best == nullptr) {
    throw error(ErrorCode::kSearchFailed,
                "no finalist could be trained; trial {}: {}; change the training options of "
                "'finalists'",
                finalists.front().trial, finalists.front().reason);
  }
  return best->trial;
}

}  // namespace

std::vector<std::uint64_t> spread_over_front(std::span<const search::ParetoPoint> front,
                                             int count) {
  const std::size_t wanted = std::min(front.size(), static_cast<std::size_t>(count));
  std::vector<std::uint64_t> trials;
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::size_t place = wanted == 1 ? 0 : i * (front.size() - 1) / (wanted - 1);
    trials.push_back(front[place].id);
  }
  return trials;
}

StageOutcome run_finalists(RunContext& run) {
  if (run.experiment().finalists.count == 0) return StageOutcome::kDone;
  if (run.store().finalists().empty()) run.store().add_finalists(choose_from_front(run));
  const StageOutcome trained = FinalistTraining(run, run.store().finalists()).run_to_end();
  if (trained == StageOutcome::kInterrupted) return trained;
  measure_latencies(run, run.store().finalists());
  run.store().choose_finalist(best_trained(run.store().finalists()));
  return StageOutcome::kDone;
}

}  // namespace hwnas::engine
