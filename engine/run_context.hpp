#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/inputs.hpp"
#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "engine/training.hpp"

namespace hwnas::engine {

enum class StageOutcome { kDone, kInterrupted };

/// What the stages of one attempt at a run share. One thread.
class RunContext {
 public:
  /// `inputs`: if start_run has loaded them already.
  RunContext(const Experiment& experiment, const RunOptions& options, const Training& training,
             Store& store, std::optional<Inputs> inputs);

  const Experiment& experiment() const { return experiment_; }
  const std::filesystem::path& folder() const { return options_.folder; }
  const Training& training() const { return training_; }
  Store& store() { return store_; }
  const Inputs& inputs();  ///< loaded at the first call
  int workers() const { return options_.workers.value_or(experiment_.workers); }
  std::stop_token drain() const { return options_.drain; }
  bool draining() const { return options_.drain.stop_requested(); }

  void begin(Stage stage);
  void pause();   ///< notes the time spent
  void finish();  ///< and that the stage is done
  /// Seconds in the current stage, and in all stages (the run's own clock), earlier attempts
  /// included.
  double stage_seconds() const;
  double run_seconds() const { return seconds_before_ + stage_seconds(); }

  /// Sends `progress` on, completed with stage, times and an estimate of the time left, which takes
  /// the fraction of this attempt's work for as long as it took.
  void report(Progress progress);
  /// And notes the time spent, so that it counts in a run that is killed.
  void report(double fraction, std::string message);

 private:
  const Experiment& experiment_;
  const RunOptions& options_;
  const Training& training_;
  Store& store_;
  std::optional<Inputs> inputs_;
  Stage stage_ = Stage::kPrepare;
  double seconds_before_ = 0;         ///< in the stages before the current one
  double earlier_stage_seconds_ = 0;  ///< in the current stage, by earlier attempts
  std::optional<double> first_fraction_;
  std::chrono::steady_clock::time_point stage_start_;
};

}  // namespace hwnas::engine
