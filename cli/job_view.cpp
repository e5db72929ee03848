#include "cli/job_view.hpp"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <cctype>

#include "cli/run_result.hpp"
#include "core/config.hpp"
#include "core/text.hpp"

namespace hwnas::cli {
namespace {

double seconds_of(const google::protobuf::Duration& duration) {
  using google::protobuf::util::TimeUtil;
  return static_cast<double>(TimeUtil::DurationToMilliseconds(duration)) / 1e3;
}

double fraction_of(const v1::SearchProgress& progress) {
  if (progress.stage() != "search" || progress.planned_trials() <= 0) return kUnknownFraction;
  return static_cast<double>(progress.evaluated_trials()) /
         static_cast<double>(progress.planned_trials());
}

report::TrialSummary summary_of(const v1::Trial& trial) {
  report::TrialSummary summary;
  summary.id = static_cast<std::uint64_t>(trial.id());
  summary.on_front = true;
  for (const v1::Metric& metric : trial.metrics()) {
    summary.metrics.push_back({one_line(metric.name()), metric.value(), metric.standard_deviation(),
                               estimators::Origin::kPredicted});
  }
  return summary;
}

}  // namespace

std::string state_name(v1::SearchJob::State state) {
  std::string name = v1::SearchJob::State_Name(state);
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name.empty() ? "unknown" : name;
}

bool is_final(v1::SearchJob::State state) {
  return state == v1::SearchJob::SUCCEEDED || state == v1::SearchJob::FAILED ||
         state == v1::SearchJob::CANCELLED;
}

engine::Progress JobProgress::update(const v1::SearchProgress& progress) {
  if (stage_ != progress.stage()) {
    stage_ = progress.stage();
    stage_began_seconds_ = run_seconds_;
  }
  run_seconds_ = seconds_of(progress.run_time());
  engine::Progress shown;
  shown.stage = one_line(stage_);
  shown.fraction = fraction_of(progress);
  shown.stage_seconds = run_seconds_ - stage_began_seconds_;
  if (progress.has_time_left()) shown.seconds_left = seconds_of(progress.time_left());
  shown.trials_done =
      static_cast<std::size_t>(std::max<std::int64_t>(0, progress.evaluated_trials()));
  shown.trials_infeasible =
      static_cast<std::size_t>(std::max<std::int64_t>(0, progress.infeasible_trials()));
  shown.front_size = static_cast<std::size_t>(std::max<std::int64_t>(0, progress.front_size()));
  return shown;
}

std::string describe_front(const client::SearchClient& client, const std::string& job) {
  const v1::ParetoFront front = client.front(job);
  if (front.trials().empty()) return "";
  report::RunSummary run;
  for (const v1::Objective& objective : front.objectives()) {
    run.objectives.push_back({one_line(objective.metric()), objective.maximize()});
  }
  const Config experiment = Config::parse(client.get(job).experiment(), "experiment");
  if (const Config* limits = experiment.find("limits")) {
    for (const std::string& metric : limits->keys()) run.limits.push_back({metric, 0});
  }
  for (const v1::Trial& trial : front.trials()) run.trials.push_back(summary_of(trial));
  return describe_findings(run);
}

}  // namespace hwnas::cli
