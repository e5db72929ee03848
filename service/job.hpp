#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hwnas::service {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

enum class JobKind { kSearch, kCompression };
/// As in resource names: "searchJobs", "compressionJobs".
std::string_view to_string(JobKind kind);
JobKind job_kind_from_string(std::string_view text);

enum class JobState { kQueued, kRunning, kCancelling, kSucceeded, kFailed, kCancelled };
/// As in the interface: "QUEUED", …
std::string_view to_string(JobState state);
JobState job_state_from_string(std::string_view text);

/// Nothing happens to the job any more.
constexpr bool is_final(JobState state) {
  return state >= JobState::kSucceeded;
}
/// QUEUED → RUNNING, CANCELLED, FAILED; RUNNING → CANCELLING, SUCCEEDED, FAILED, QUEUED (put back
/// by a drain); CANCELLING → CANCELLED, SUCCEEDED, FAILED. RUNNING → RUNNING and CANCELLING →
/// CANCELLING are a new attempt after a restart of the daemon.
bool may_follow(JobState to, JobState from);

struct JobName {
  std::string tenant;
  JobKind kind = JobKind::kSearch;
  std::string id;

  bool operator==(const JobName&) const = default;
  std::string text() const;  ///< "tenants/acme/searchJobs/a"
};

/// A job as the store has it.
struct JobRecord {
  std::int64_t uid = 0;  ///< never given again in this store; rises
  JobName name;
  std::string display_name;
  std::string specification;  ///< what to do: an experiment's YAML, a compression job's JSON
  int priority = 0;           ///< the higher, the earlier
  JobState state = JobState::kQueued;
  Time create_time;
  Time update_time;                ///< of the last change of state
  std::optional<Time> start_time;  ///< first RUNNING
  std::optional<Time> end_time;    ///< of the final state
  int attempts = 0;                ///< starts
  int failure_code = 0;            ///< a google.rpc.Code; 0 unless FAILED
  std::string failure;             ///< for people; empty unless FAILED
  std::int64_t revision = 0;       ///< of the event of the last change of state
  std::string cursor;              ///< see JobStore::append_events

  bool operator==(const JobRecord&) const = default;
  /// Differs for any two states of any two jobs of a store.
  std::string etag() const;
};

/// A record as the event log keeps it: without specification and cursor, which it need not repeat.
std::string to_json(const JobRecord& job);
/// Throws Internal if to_json did not write it.
JobRecord job_from_json(const std::string& text);

}  // namespace hwnas::service
