#include "service/job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace hwnas::service {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 2> kKinds{"searchJobs", "compressionJobs"};
constexpr std::array<std::string_view, 6> kStates{"QUEUED",    "RUNNING", "CANCELLING",
                                                  "SUCCEEDED", "FAILED",  "CANCELLED"};

template <typename Enum, std::size_t kCount>
Enum from_name(const std::array<std::string_view, kCount>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    throw error(ErrorCode::kInternal, "'{}' in the store of jobs: {} is expected", name,
                fmt::join(names, ", "));
  }
  return static_cast<Enum>(std::distance(names.begin(), found));
}

json time_to_json(const std::optional<Time>& time) {
  return time ? json(time->time_since_epoch().count()) : json();
}

/// nlohmann's own conversion takes 1e300 for an integer, which is undefined.
std::int64_t integer_from_json(const json& value) {
  if (!value.is_number_integer()) {
    throw error(ErrorCode::kInternal, "an event in the store of jobs has {} for an integer",
                value.dump(-1, ' ', false, json::error_handler_t::replace));
  }
  return value.get<std::int64_t>();
}

Time time_from_json(const json& value) {
  return Time(std::chrono::microseconds(integer_from_json(value)));
}

std::optional<Time> optional_time_from_json(const json& value) {
  return value.is_null() ? std::nullopt : std::optional(time_from_json(value));
}

}  // namespace

std::string_view to_string(JobKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

JobKind job_kind_from_string(std::string_view text) {
  return from_name<JobKind>(kKinds, text);
}

std::string_view to_string(JobState state) {
  return kStates[static_cast<std::size_t>(state)];
}

JobState job_state_from_string(std::string_view text) {
  return from_name<JobState>(kStates, text);
}

bool may_follow(JobState to, JobState from) {
  using enum JobState;
  switch (from) {
    case kQueued:
      return to == kRunning || to == kCancelled || to == kFailed;
    case kRunning:
      return to != kCancelled;
    case kCancelling:
      return to == kCancelling || is_final(to);
    default:
      return false;
  }
}

std::string JobName::text() const {
  return fmt::format("tenants/{}/{}/{}", tenant, to_string(kind), id);
}

std::string JobRecord::etag() const {
  // Every change of state is an event, and no two events have the same revision.
  return fmt::format("\"{:x}\"", revision);
}

std::string to_json(const JobRecord& job) {
  const json object{{"uid", job.uid},
                    {"tenant", job.name.tenant},
                    {"kind", to_string(job.name.kind)},
                    {"id", job.name.id},
                    {"display_name", job.display_name},
                    {"priority", job.priority},
                    {"state", to_string(job.state)},
                    {"create_time", time_to_json(job.create_time)},
                    {"update_time", time_to_json(job.update_time)},
                    {"start_time", time_to_json(job.start_time)},
                    {"end_time", time_to_json(job.end_time)},
                    {"attempts", job.attempts},
                    {"failure_code", job.failure_code},
                    {"failure", job.failure},
                    {"revision", job.revision}};
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

JobRecord job_from_json(const std::string& text) {
  try {
    const json object = json::parse(text);
    JobRecord job;
    job.uid = integer_from_json(object.at("uid"));
    job.name = {object.at("tenant"), job_kind_from_string(object.at("kind").get<std::string>()),
                object.at("id")};
    job.display_name = object.at("display_name");
    job.priority = static_cast<int>(integer_from_json(object.at("priority")));
    job.state = job_state_from_string(object.at("state").get<std::string>());
    job.create_time = time_from_json(object.at("create_time"));
    job.update_time = time_from_json(object.at("update_time"));
    job.start_time = optional_time_from_json(object.at("start_time"));
    job.end_time = optional_time_from_json(object.at("end_time"));
    job.attempts = static_cast<int>(integer_from_json(object.at("attempts")));
    job.failure_code = static_cast<int>(integer_from_json(object.at("failure_code")));
    job.failure = object.at("failure");
    job.revision = integer_from_json(object.at("revision"));
    return job;
  } catch (const json::exception& fault) {
    throw error(ErrorCode::kInternal, "an event in the store of jobs is no job: {}", fault.what());
  }
}

}  // namespace hwnas::service
