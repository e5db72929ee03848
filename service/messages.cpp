#include "service/messages.hpp"

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>

#include <cmath>

#include "core/error.hpp"
#include "core/text.hpp"
#include "service/run_feed.hpp"

namespace hwnas::service {
namespace {

using google::protobuf::util::TimeUtil;

v1::SearchJob::State to_message(JobState state) {
  switch (state) {
    case JobState::kQueued:
      return v1::SearchJob::QUEUED;
    case JobState::kRunning:
      return v1::SearchJob::RUNNING;
    case JobState::kCancelling:
      return v1::SearchJob::CANCELLING;
    case JobState::kSucceeded:
      return v1::SearchJob::SUCCEEDED;
    case JobState::kFailed:
      return v1::SearchJob::FAILED;
    case JobState::kCancelled:
      return v1::SearchJob::CANCELLED;
  }
  return v1::SearchJob::STATE_UNSPECIFIED;
}

v1::Metric::Origin to_message(estimators::Origin origin) {
  switch (origin) {
    case estimators::Origin::kExact:
      return v1::Metric::EXACT;
    case estimators::Origin::kPredicted:
      return v1::Metric::PREDICTED;
    case estimators::Origin::kEmulated:
      return v1::Metric::EMULATED;
    case estimators::Origin::kMeasured:
      return v1::Metric::MEASURED;
  }
  return v1::Metric::ORIGIN_UNSPECIFIED;
}

}  // namespace

google::protobuf::Duration duration_of(double seconds) {
  return TimeUtil::MicrosecondsToDuration(std::llround(seconds * 1e6));
}

google::protobuf::Timestamp to_message(Time time) {
  return TimeUtil::MicrosecondsToTimestamp(time.time_since_epoch().count());
}

Time time_of(const google::protobuf::Timestamp& message) {
  return Time(std::chrono::microseconds(TimeUtil::TimestampToMicroseconds(message)));
}

v1::SearchJob to_message(const JobRecord& job) {
  v1::SearchJob message;
  message.set_name(job.name.text());
  message.set_uid(std::to_string(job.uid));
  message.set_display_name(job.display_name);
  message.set_experiment(job.specification);
  message.set_priority(job.priority);
  message.set_state(to_message(job.state));
  *message.mutable_create_time() = to_message(job.create_time);
  *message.mutable_update_time() = to_message(job.update_time);
  if (job.start_time) *message.mutable_start_time() = to_message(*job.start_time);
  if (job.end_time) *message.mutable_end_time() = to_message(*job.end_time);
  if (job.state == JobState::kFailed) {
    message.mutable_error()->set_code(job.failure_code);
    message.mutable_error()->set_message(job.failure);
  }
  message.set_etag(job.etag());
  message.set_revision(job.revision);
  message.set_attempts(job.attempts);
  if (!job.cursor.empty()) *message.mutable_progress() = FeedCursor::parse(job.cursor).progress;
  return message;
}

v1::Trial::State to_message(const std::optional<search::TrialState>& state) {
  if (!state) return v1::Trial::RUNNING;
  switch (*state) {
    case search::TrialState::kComplete:
      return v1::Trial::COMPLETE;
    case search::TrialState::kInfeasible:
      return v1::Trial::INFEASIBLE;
    case search::TrialState::kFailed:
      return v1::Trial::FAILED;
    case search::TrialState::kStopped:
      return v1::Trial::STOPPED;
  }
  return v1::Trial::STATE_UNSPECIFIED;
}

v1::Metric to_message(const report::MetricValue& metric) {
  v1::Metric message;
  message.set_name(metric.name);
  message.set_value(metric.value);
  message.set_standard_deviation(metric.standard_deviation);
  message.set_origin(to_message(metric.origin));
  return message;
}

v1::Trial to_message(const engine::TrialRecord& trial, const JobName& job) {
  v1::Trial message;
  message.set_name(fmt::format("{}/trials/{}", job.text(), trial.id));
  message.set_id(static_cast<std::int64_t>(trial.id));
  message.set_genotype(spaces::to_string(trial.genotype));
  message.set_description(trial.description);
  message.set_state(to_message(trial.state));
  message.set_reason(one_line(trial.reason));
  for (const auto& metric : trial.metrics) *message.add_metrics() = to_message(metric);
  for (const auto& point : trial.curve) {
    v1::Trial::Epoch& epoch = *message.add_curve();
    epoch.set_epoch(point.epoch);
    epoch.set_train_loss(point.train_loss);
    epoch.set_validation_loss(point.validation_loss);
    epoch.set_validation_top1(point.validation_top1);
  }
  *message.mutable_start_offset() = duration_of(trial.start_seconds);
  if (trial.state) *message.mutable_end_offset() = duration_of(trial.end_seconds);
  return message;
}

std::string to_json(const google::protobuf::Message& message) {
  std::string text;
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) {
    throw error(ErrorCode::kInternal, "cannot write a {} as JSON: {}", message.GetTypeName(),
                status.ToString());
  }
  return text;
}

void from_json(const std::string& text, google::protobuf::Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // of a newer hwnasd
  const auto status = google::protobuf::util::JsonStringToMessage(text, &message, options);
  if (!status.ok()) {
    throw error(ErrorCode::kInternal, "the store has a {} that cannot be read: {}",
                message.GetTypeName(), status.ToString());
  }
}

}  // namespace hwnas::service
