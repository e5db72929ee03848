#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/run_lock.hpp"
#include "service/group_commit.hpp"
#include "service/job.hpp"
#include "service/job_reader.hpp"
#include "service/outcome.hpp"
#include "service/requests.hpp"

namespace hwnas::service {

/// Makes a repeated call harmless: the tenant's id of the call, and what was asked for, so that the
/// same id for something else is noticed. With an empty id every call counts.
struct RequestKey {
  std::string id;
  /// SHA-256 of method and arguments, or the like; equal for equal requests.
  std::string fingerprint;
};

struct NewJob {
  JobName name;
  std::string display_name;
  std::string specification;
  int priority = 0;
  /// Unfinished jobs of the tenant, of all kinds, with this one; more are refused. 0: no limit.
  int max_unfinished = 0;
};

/// The next state of a job, and why it failed.
struct StateChange {
  JobState to = JobState::kRunning;
  int failure_code = 0;  ///< a google.rpc.Code, for FAILED
  std::string failure = {};
};

/// What a running job has to tell, in the caller's encoding.
struct NewEvent {
  std::string kind;  ///< not "job" or "deleted"
  std::string payload;
};

struct JobStoreOptions {
  /// Gives the time of day. Nothing depends on its running evenly, or forwards.
  std::function<Time()> clock = {};
  /// The jobs (uids) with new events, after each COMMIT and before its callbacks; on the committing
  /// thread: it must be quick, and must not throw.
  std::function<void(const std::vector<std::int64_t>&)> on_events = {};
  /// See GroupCommitOptions.
  std::function<void(const Error&)> on_fatal = {};
  std::size_t max_waiting = 10'000;
};

/// What the daemon knows of its jobs: service.db in its data folder, which this object keeps
/// locked. Thread-safe.
///
/// Every change is handed to the committing thread; its callback comes when the disk has it:
/// acknowledged means durable. Changes of one thread are made in the order of its calls. Every
/// change of a job's state is an event in the same transaction, of kind "job", so the log tells the
/// whole story to who continues from a revision.
///
/// The jobs that callbacks get have no specification: it never changes. As errors they get, beside
/// what each call says: ResourceExhausted if the disk is full (nothing is
/// changed; later calls work again once there is room), Unavailable if too much waits, or if the
/// disk or the file has failed (see on_fatal). What ended with Unavailable may have been done:
/// repeat it with the same RequestKey.
class JobStore {
 public:
  /// Makes the folder and the store if need be, brings an older store to this version (and keeps a
  /// copy, see migrate), and below SQLite 3.51.3 checks the file. Throws FailedPrecondition if
  /// another process serves the folder, or if the file is damaged or of a newer version;
  /// Unavailable or ResourceExhausted for the disk.
  explicit JobStore(const std::filesystem::path& folder, JobStoreOptions options = {});
  /// Stores what waits.
  ~JobStore();

  const JobReader& read() const { return *reader_; }

  /// A job in state QUEUED. AlreadyExists; ResourceExhausted over max_unfinished.
  void create(NewJob job, RequestKey request, Callback<JobRecord> done);
  /// QUEUED becomes CANCELLED, RUNNING becomes CANCELLING; CANCELLING and CANCELLED stay. NotFound;
  /// FailedPrecondition if it has SUCCEEDED or FAILED; StaleEtag (an empty etag fits always).
  void cancel(JobName name, std::string etag, RequestKey request, Callback<JobRecord> done);
  /// Removes a final job and its events, and gives it as it was last. NotFound; FailedPrecondition
  /// if it is not final; StaleEtag. Its files are the caller's to remove.
  void remove(JobName name, std::string etag, RequestKey request, Callback<JobRecord> done);

  /// NotFound; FailedPrecondition if the state may not follow (see may_follow).
  void change_state(std::int64_t uid, StateChange change, Callback<JobRecord> done);
  /// Appends to the log, all or nothing, and notes `cursor`: how far the caller has got in what the
  /// events were made of, so that after a crash it goes on there and tells nothing twice. Gives the
  /// last revision. NotFound.
  void append_events(std::int64_t uid, std::vector<NewEvent> events, std::string cursor,
                     Callback<std::int64_t> done);

 private:
  using Change = std::function<JobRecord(engine::Database&)>;

  void submit(RecordedRequest request, std::size_t bytes, Change change, Callback<JobRecord> done);
  JobRecord insert(engine::Database& database, const NewJob& job);
  JobRecord enter(engine::Database& database, JobRecord job, const StateChange& change, Time now);
  void erase(engine::Database& database, const JobRecord& job);
  std::int64_t log(engine::Database& database, std::int64_t uid, Time now, const std::string& kind,
                   const std::string& payload);

  const engine::RunLock lock_;
  const JobStoreOptions options_;
  std::unique_ptr<JobReader> reader_;
  std::vector<std::int64_t> touched_;  // by the transaction going on; the committing thread's
  std::unique_ptr<GroupCommit> writer_;
};

}  // namespace hwnas::service
