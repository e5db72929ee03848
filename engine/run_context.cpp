#include "engine/run_context.hpp"

#include <utility>

namespace hwnas::engine {

RunContext::RunContext(const Experiment& experiment, const RunOptions& options,
                       const Training& training, Store& store, std::optional<Inputs> inputs)
    : experiment_(experiment),
      options_(options),
      training_(training),
      store_(store),
      inputs_(std::move(inputs)) {}

const Inputs& RunContext::inputs() {
  if (!inputs_) inputs_ = load_inputs(experiment_);
  return *inputs_;
}

void RunContext::begin(Stage stage) {
  stage_ = stage;
  stage_start_ = std::chrono::steady_clock::now();
  first_fraction_.reset();
  seconds_before_ = 0;
  for (const StageRecord& record : store_.stages()) {
    if (record.stage < stage) seconds_before_ += record.seconds;
    if (record.stage == stage) earlier_stage_seconds_ = record.seconds;
  }
  report(Progress{});
  first_fraction_.reset();  // what a resumed stage had done before is no progress of this attempt
}

void RunContext::pause() {
  store_.set_stage({stage_, false, stage_seconds()});
}

void RunContext::finish() {
  store_.set_stage({stage_, true, stage_seconds()});
  Progress end;
  end.fraction = 1;
  report(std::move(end));
}

double RunContext::stage_seconds() const {
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - stage_start_;
  return earlier_stage_seconds_ + elapsed.count();
}

void RunContext::report(Progress progress) {
  if (!options_.progress) return;
  progress.stage = to_string(stage_);
  progress.stage_seconds = stage_seconds();
  if (!first_fraction_) first_fraction_ = progress.fraction;
  const double achieved = progress.fraction - *first_fraction_;
  if (achieved > 0) {
    progress.seconds_left =
        (progress.stage_seconds - earlier_stage_seconds_) * (1 - progress.fraction) / achieved;
  }
  options_.progress(progress);
}

void RunContext::report(double fraction, std::string message) {
  store_.set_stage({stage_, false, stage_seconds()});
  Progress progress;
  progress.fraction = fraction;
  progress.message = std::move(message);
  report(std::move(progress));
}

}  // namespace hwnas::engine
