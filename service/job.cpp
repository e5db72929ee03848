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

std::optional<Time> time_from_json(const json& value) {
  if (value.is_null()) return std::nullopt;
  return Time(std::chrono::microseconds(value.get<std::int64_t>()));
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
    job.uid = object.at("uid");
    job.name = {object.at("tenant"), job_kind_from_string(object.at("kind").get<std::string>()),
                object.at("id")};
    job.display_name = object.at("display_name");
    job.priority = object.at("priority");
    job.state = job_state_from_string(object.at("state").get<std::string>());
    job.create_time = time_from_json(object.at("create_time")).value();
    job.update_time = time_from_json(object.at("update_time")).value();
    job.start_time = time_from_json(object.at("start_time"));
    job.end_time = time_from_json(object.at("end_time"));
    job.attempts = object.at("attempts");
    job.failure_code = object.at("failure_code");
    job.failure = object.at("failure");
    job.revision = object.at("revision");
    return job;
  } catch (const json::exception& fault) {
    throw error(ErrorCode::kInternal, "an event in the store of jobs is no job: {}", fault.what());
  }
}

}  // namespace hwnas::service
