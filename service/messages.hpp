#pragma once

#include <optional>

#include "engine/store.hpp"
#include "hwnas/v1/resources.pb.h"
#include "service/job.hpp"

namespace hwnas::service {

// The store's records in the words of the interface.

google::protobuf::Timestamp to_message(Time time);
Time time_of(const google::protobuf::Timestamp& message);
/// To the microsecond.
google::protobuf::Duration duration_of(double seconds);
/// With the progress that its cursor holds (see run_feed.hpp), and the experiment if the record has
/// it.
v1::SearchJob to_message(const JobRecord& job);
v1::Metric to_message(const report::MetricValue& metric);
/// Nothing: not finished.
v1::Trial::State to_message(const std::optional<search::TrialState>& state);
/// `on_front` is left to the caller.
v1::Trial to_message(const engine::TrialRecord& trial, const JobName& job);

/// For the event log: a message as JSON, and back. Throw Internal.
std::string to_json(const google::protobuf::Message& message);
void from_json(const std::string& text, google::protobuf::Message& message);

}  // namespace hwnas::service
