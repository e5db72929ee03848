#include "service/study_trial.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "service/error_status.hpp"
#include "service/messages.hpp"
#include "service/outcome.hpp"

namespace hwnas::service {
namespace {

using vizier::Trial;

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

void require_under_way(const Trial& trial, const char* what) {
  if (trial.state() == Trial::ACTIVE || trial.state() == Trial::STOPPING) return;
  throw Refusal(ErrorCode::kFailedPrecondition,
                fmt::format("{}: is {}; only trials that are ACTIVE or STOPPING can be {}",
                            trial.name(), Trial::State_Name(trial.state()), what));
}

}  // namespace

bool is_finished(const Trial& trial) {
  return trial.state() == Trial::SUCCEEDED || trial.state() == Trial::INFEASIBLE;
}

void require_bounded(const google::protobuf::Message& message, const std::string& what) {
  if (message.ByteSizeLong() <= kMaxBytes) return;
  throw Refusal(ErrorCode::kResourceExhausted,
                fmt::format("{}: would have {} bytes and may have {}; keep what is large elsewhere",
                            what, message.ByteSizeLong(), kMaxBytes));
}

Trial new_trial(const Trial& asked, Time now) {
  Trial trial = asked;
  trial.clear_client_id();
  trial.clear_end_time();
  *trial.mutable_start_time() = to_message(now);
  if (!is_finished(asked)) {
    trial.set_state(Trial::REQUESTED);
    return trial;
  }
  if (asked.state() == Trial::SUCCEEDED && asked.final_measurement().metrics().empty()) {
    throw InvalidField("trial.final_measurement", "a SUCCEEDED trial has one, with its metrics");
  }
  *trial.mutable_end_time() = to_message(now);
  return trial;
}

void complete(Trial& trial, const vizier::CompleteTrialRequest& request, Time now) {
  require_under_way(trial, "completed");
  if (!request.final_measurement().metrics().empty()) {
    *trial.mutable_final_measurement() = request.final_measurement();
  } else if (!request.trial_infeasible()) {
    if (trial.measurements().empty()) {
      throw Refusal(ErrorCode::kInvalidArgument,
                    fmt::format("{}: has no measurement; give a final_measurement with metrics, or "
                                "trial_infeasible",
                                trial.name()));
    }
    *trial.mutable_final_measurement() = *trial.measurements().rbegin();
  }
  trial.set_state(request.trial_infeasible() ? Trial::INFEASIBLE : Trial::SUCCEEDED);
  if (request.trial_infeasible()) trial.set_infeasible_reason(request.infeasible_reason());
  *trial.mutable_end_time() = to_message(now);
  require_bounded(trial, trial.name());
}

void add_measurement(Trial& trial, const vizier::Measurement& measurement) {
  require_under_way(trial, "measured");
  *trial.add_measurements() = measurement;
  require_bounded(trial, trial.name());
}

void stop(Trial& trial) {
  if (trial.state() == Trial::STOPPING || trial.state() == Trial::SUCCEEDED) return;
  require_under_way(trial, "stopped");
  trial.set_state(Trial::STOPPING);
}

void set_metadata(google::protobuf::RepeatedPtrField<vizier::KeyValue>& metadata,
                  const vizier::KeyValue& update) {
  const auto same = std::ranges::find_if(metadata, [&](const vizier::KeyValue& entry) {
    return entry.ns() == update.ns() && entry.key() == update.key();
  });
  (same == metadata.end() ? *metadata.Add() : *same) = update;
}

Trial remains_of(const Trial& trial) {
  Trial remains;
  remains.set_state(trial.state());
  *remains.mutable_parameters() = trial.parameters();
  if (trial.has_final_measurement()) {
    *remains.mutable_final_measurement() = trial.final_measurement();
  }
  *remains.mutable_measurements() = trial.measurements();
  return remains;
}

}  // namespace hwnas::service
