#include "engine/search_stage.hpp"

#include <fmt/format.h>
#include <tbb/concurrent_queue.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <variant>

#include "core/error.hpp"
#include "core/executor.hpp"
#include "engine/costs.hpp"
#include "engine/differentiable_file.hpp"
#include "engine/front.hpp"
#include "engine/front_measurements.hpp"
#include "engine/seed_stream.hpp"

namespace hwnas::engine {
namespace {

using search::TrialState;

/// Sent by a worker when an evaluation has ended; without `evaluation` it was interrupted.
struct Ended {
  std::uint64_t trial = 0;
  int worker = 0;
  double start_seconds = 0;
  double end_seconds = 0;
  std::optional<Evaluation> evaluation;
};
using Message = std::variant<SearchBatch::Epoch, Ended>;

/// Proposals written together at most: infeasible ones may come in thousands.
constexpr std::size_t kMaxBatch = 256;

/// From where the differentiable stage came to, if the experiment has one.
search::Start start_of(const RunContext& run) {
  if (!run.experiment().differentiable) return {};
  return start_of_search(load_differentiable(run.folder()));
}

/// A value that is not a number is no result.
void require_finite(TrialRecord& trial) {
  const auto bad = std::ranges::find_if(trial.metrics, [](const report::MetricValue& metric) {
    return !std::isfinite(metric.value);
  });
  if (bad == trial.metrics.end()) return;
  trial.state = TrialState::kFailed;
  trial.reason = fmt::format("{} is {}", bad->name, bad->value);
  trial.metrics.clear();
}

class Search {
 public:
  Search(RunContext& run, const Evaluator& evaluator);
  StageOutcome run_to_end();

 private:
  double time_share() const;
  bool out_of_time() const;
  bool may_ask() const;
  bool next_is_infeasible() const;
  void ask();
  void check_replayed(const TrialRecord& recorded, const spaces::Genotype& proposed) const;
  TrialRecord price(const spaces::Genotype& genotype) const;
  void count_infeasible(const TrialRecord& trial);
  [[noreturn]] void fail_all_infeasible() const;
  void write_and_submit();
  Ended evaluate(std::uint64_t id, const spaces::Genotype& genotype, int worker,
                 std::stop_token stop);
  void receive();
  void take(const Message& message);
  void adopt(const TrialRecord& finished);
  void tell_next();
  bool consult_device(TrialRecord& record);
  bool measure(TrialRecord& record);
  StageOutcome measure_front();
  StageOutcome drain();
  void require_front() const;
  double fraction(std::size_t evaluated) const;
  void report_start();
  void report(const TrialRecord& trial);

  RunContext& run_;
  const Experiment& experiment_;
  const spaces::SearchSpace& space_;
  const Evaluator& evaluator_;
  CostModels costs_;
  FrontMeasurements measurements_;
  std::unique_ptr<search::Strategy> strategy_;

  std::vector<TrialRecord> trials_;  ///< by id: recorded ones, then this attempt's
  std::size_t asked_ = 0;            ///< proposals of this attempt's strategy
  std::size_t told_ = 0;             ///< trials 0 … told_ − 1 are known to it
  std::size_t feasible_ = 0;         ///< of those asked for
  std::size_t ahead_ = 0;            ///< feasible ones that are asked for and not told
  std::size_t evaluated_ = 0;        ///< feasible ones with a result
  std::size_t infeasible_in_a_row_ = 0;
  bool exhausted_ = false;

  SearchBatch batch_;
  std::vector<std::uint64_t> to_submit_;
  std::size_t running_ = 0;
  tbb::concurrent_bounded_queue<Message> mailbox_;
  Executor executor_;  ///< last: its destructor waits for tasks that use the members above
};

Search::Search(RunContext& run, const Evaluator& evaluator)
    : run_(run),
      experiment_(run.experiment()),
      space_(*run.inputs().space),
      evaluator_(evaluator),
      costs_(experiment_),
      measurements_(run),
      strategy_(search::make_strategy(space_, experiment_.objectives.size(),
                                      stream_seed(experiment_.seed, SeedStream::kStrategy),
                                      experiment_.search, start_of(run))),
      trials_(run.store().trials()),
      executor_(run.workers(), run.drain()) {}

StageOutcome Search::run_to_end() {
  report_start();
  while (!run_.draining()) {
    if (next_is_infeasible()) {
      tell_next();
    } else if (may_ask()) {
      ask();
    } else {
      write_and_submit();
      if (told_ == asked_) {
        require_front();
        return measure_front();
      }
      while (!trials_[told_].state && !run_.draining()) receive();
      if (trials_[told_].state) tell_next();
    }
  }
  return drain();
}

/// Of the search's minutes, what has passed; 0 where they are not limited.
double Search::time_share() const {
  return experiment_.search_minutes ? run_.stage_seconds() / (60 * *experiment_.search_minutes) : 0;
}

/// What earlier attempts have proposed is never too late.
bool Search::out_of_time() const {
  return asked_ >= trials_.size() && time_share() >= 1;
}

bool Search::may_ask() const {
  return !exhausted_ && feasible_ < experiment_.trials && ahead_ < experiment_.window &&
         !out_of_time();
}

bool Search::next_is_infeasible() const {
  return told_ < asked_ && trials_[told_].state == TrialState::kInfeasible;
}

void Search::ask() {
  const std::vector<search::Proposal> proposals = strategy_->ask(1);
  if (proposals.empty()) {
    exhausted_ = true;
    return;
  }
  const std::uint64_t id = asked_++;
  if (id < trials_.size()) {
    check_replayed(trials_[id], proposals.front().genotype);
  } else {
    trials_.push_back(price(proposals.front().genotype));
    batch_.proposed.push_back(trials_.back());
    if (batch_.proposed.size() >= kMaxBatch) write_and_submit();
  }
  count_infeasible(trials_[id]);
  if (trials_[id].state == TrialState::kInfeasible) return;
  ++feasible_;
  ++ahead_;
  if (trials_[id].state) {
    ++evaluated_;
  } else {
    to_submit_.push_back(id);
  }
}

void Search::check_replayed(const TrialRecord& recorded, const spaces::Genotype& proposed) const {
  if (recorded.genotype == proposed) return;
  throw error(ErrorCode::kInternal,
              "{}: trial {} was {} and is proposed as {} on replay; the run was made by another "
              "version of hwnas, or its store was changed: start a new run",
              run_.folder().string(), recorded.id, spaces::to_string(recorded.genotype),
              spaces::to_string(proposed));
}

TrialRecord Search::price(const spaces::Genotype& genotype) const {
  Costs costs = costs_.predict(space_.decode(genotype));
  TrialRecord trial;
  trial.id = trials_.size();
  trial.genotype = genotype;
  trial.description = spaces::describe(space_, genotype);
  trial.metrics = std::move(costs.metrics);
  if (costs.violation > 0) {
    trial.state = TrialState::kInfeasible;
    trial.reason = std::move(costs.reason);
    trial.violation = costs.violation;
    trial.start_seconds = trial.end_seconds = run_.run_seconds();
  }
  return trial;
}

void Search::count_infeasible(const TrialRecord& trial) {
  infeasible_in_a_row_ = trial.state == TrialState::kInfeasible ? infeasible_in_a_row_ + 1 : 0;
  if (infeasible_in_a_row_ < experiment_.max_infeasible) return;
  write_and_submit();
  fail_all_infeasible();
}

void Search::fail_all_infeasible() const {
  std::string limits;
  for (const Limit& limit : experiment_.limits) {
    double smallest = std::numeric_limits<double>::infinity();
    for (std::size_t i = asked_ - infeasible_in_a_row_; i < asked_; ++i) {
      smallest = std::min(smallest, best_known_value(trials_[i].metrics, limit.metric));
    }
    limits += fmt::format("\n  {}: limit {:.10g}, smallest seen {:.10g}", limit.metric, limit.bound,
                          smallest);
  }
  throw error(ErrorCode::kSearchFailed,
              "{} proposals in a row broke limits: widen the limits, or give the space smaller "
              "choices (search.max_infeasible sets how many are tried){}",
              infeasible_in_a_row_, limits);
}

void Search::write_and_submit() {
  if (!batch_.empty()) run_.store().write(batch_, run_.stage_seconds());
  batch_ = {};
  for (const std::uint64_t id : to_submit_) {
    ++running_;
    // A copy: trials_ grows, and moves, while the task runs.
    executor_.submit([this, id, genotype = trials_[id].genotype](int worker, std::stop_token stop) {
      mailbox_.push(evaluate(id, genotype, worker, stop));
    });
  }
  to_submit_.clear();
}

Ended Search::evaluate(std::uint64_t id, const spaces::Genotype& genotype, int worker,
                       std::stop_token stop) {
  Ended ended{id, worker, run_.run_seconds(), 0, std::nullopt};
  if (stop.stop_requested()) return ended;
  const auto on_epoch = [&](const report::CurvePoint& point) {
    mailbox_.push(SearchBatch::Epoch{id, point});
  };
  try {
    const ir::Network network = space_.decode(genotype);
    const std::uint64_t seed = stream_seed(experiment_.seed, SeedStream::kTrial, id);
    ended.evaluation = evaluator_.evaluate({id, genotype, network, seed}, on_epoch, stop);
  } catch (const std::exception& thrown) {
    // A bad candidate is data: only this trial fails.
    ended.evaluation = Evaluation{TrialState::kFailed, thrown.what(), {}};
  }
  ended.end_seconds = run_.run_seconds();
  return ended;
}

/// Waits for a message, and writes what has arrived by then in one transaction.
void Search::receive() {
  Message message;
  mailbox_.pop(message);
  do take(message);
  while (mailbox_.try_pop(message));
  const std::vector<TrialRecord> finished = batch_.finished;
  write_and_submit();
  for (const TrialRecord& trial : finished) {
    adopt(trial);
    report(trials_[trial.id]);
  }
}

void Search::take(const Message& message) {
  if (const auto* epoch = std::get_if<SearchBatch::Epoch>(&message)) {
    batch_.epochs.push_back(*epoch);
    return;
  }
  const Ended& ended = std::get<Ended>(message);
  --running_;
  if (!ended.evaluation) return;
  TrialRecord finished;
  finished.id = ended.trial;
  finished.state = ended.evaluation->state;
  finished.reason = ended.evaluation->reason;
  finished.metrics = ended.evaluation->metrics;
  finished.worker = ended.worker;
  finished.start_seconds = ended.start_seconds;
  finished.end_seconds = ended.end_seconds;
  require_finite(finished);
  batch_.finished.push_back(std::move(finished));
}

/// Takes over a result that the store has.
void Search::adopt(const TrialRecord& finished) {
  TrialRecord& trial = trials_[finished.id];
  trial.state = finished.state;
  trial.reason = finished.reason;
  trial.metrics.insert(trial.metrics.end(), finished.metrics.begin(), finished.metrics.end());
  ++evaluated_;
}

/// Does nothing if the run was interrupted while the trial was being measured.
void Search::tell_next() {
  TrialRecord& record = trials_[told_];
  const bool due = measurements_.is_due(record);
  if (due && !consult_device(record)) return;
  ++told_;
  if (record.state != TrialState::kInfeasible) --ahead_;
  const search::Trial trial = measurements_.told(record, due);
  strategy_->tell({&trial, 1});
}

/// Measures the trial unless that was done in an earlier attempt, and teaches the cost models.
/// False if the run was interrupted.
bool Search::consult_device(TrialRecord& record) {
  if (!record.measurement && !measure(record)) return false;
  if (const auto latency = measured_latency(*record.measurement)) {
    costs_.learn(space_.decode(record.genotype), latency->value);
  }
  return true;
}

/// False if the run was interrupted.
bool Search::measure(TrialRecord& record) {
  while (running_ > 0) receive();
  if (!measurements_.measure(record, space_.decode(record.genotype))) return false;
  run_.report(fraction(evaluated_),
              fmt::format("trial {} measured, {}", record.id, describe_measurement(record)));
  return true;
}

StageOutcome Search::measure_front() {
  while (const auto trial = measurements_.next_unmeasured(trials_)) {
    if (!measure(trials_[*trial])) return StageOutcome::kInterrupted;
  }
  return StageOutcome::kDone;
}

/// Evaluations that end by themselves while they drain are kept.
StageOutcome Search::drain() {
  while (running_ > 0) receive();
  return StageOutcome::kInterrupted;
}

void Search::require_front() const {
  if (!measurements_.front().points().empty()) return;
  if (feasible_ == 0 && out_of_time()) {
    throw error(ErrorCode::kSearchFailed,
                "none of {} proposals kept the limits in the {:g} minutes of the search: raise "
                "search.minutes, widen the limits, or give the space smaller choices",
                asked_, *experiment_.search_minutes);
  }
  if (feasible_ == 0) {
    throw error(ErrorCode::kSearchFailed,
                "every network of the space breaks a limit: widen the limits, or give the space "
                "smaller choices");
  }
  const auto evaluated = std::ranges::find_if(
      trials_, [](const TrialRecord& trial) { return trial.state != TrialState::kInfeasible; });
  throw error(ErrorCode::kSearchFailed,
              "none of the {} evaluated candidates is complete; trial {} {}: {}", feasible_,
              evaluated->id, search::to_string(*evaluated->state), evaluated->reason);
}

/// Of the stage, with so many candidates evaluated.
double Search::fraction(std::size_t evaluated) const {
  const double of_trials = static_cast<double>(evaluated) / static_cast<double>(experiment_.trials);
  return std::min(1.0, std::max(of_trials, time_share()));
}

void Search::report_start() {
  const auto recorded = std::ranges::count_if(trials_, [](const TrialRecord& trial) {
    return trial.state && trial.state != TrialState::kInfeasible;
  });
  run_.report(fraction(recorded), "");
}

void Search::report(const TrialRecord& trial) {
  Progress progress;
  progress.fraction = fraction(evaluated_);
  progress.trials_done = evaluated_;
  progress.trials_infeasible = asked_ - feasible_;
  progress.front_size = measurements_.front().points().size();
  progress.message = fmt::format("trial {} {}", trial.id, search::to_string(*trial.state));
  if (trial.state == TrialState::kComplete) {
    for (const Objective& objective : experiment_.objectives) {
      progress.message += fmt::format(", {} {:.4g}", objective.metric,
                                      best_known_value(trial.metrics, objective.metric));
    }
  } else {
    progress.message += ": " + trial.reason;
  }
  run_.report(std::move(progress));
}

}  // namespace

StageOutcome run_search(RunContext& run, const Evaluator& evaluator) {
  return Search(run, evaluator).run_to_end();
}

}  // namespace hwnas::engine
