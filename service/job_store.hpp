#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "service/job.hpp"
#include "service/job_reader.hpp"
#include "service/outcome.hpp"
#include "service/quota.hpp"
#include "service/requests.hpp"
#include "service/store.hpp"

namespace hwnas::service {

struct NewJob {
  JobName name;
  std::string display_name;
  std::string specification;
  int priority = 0;
  std::int64_t planned_trials = 0;
};

/// The next state of a job, and why it failed.
struct StateChange {
  JobState to = JobState::kRunning;
  int failure_code = 0;  ///< a google.rpc.Code, for FAILED
  std::string failure = {};
};

/// What a job has used.
struct JobUse {
  double cpu_seconds = 0;  ///< of its processes, since the last time
  std::int64_t bytes = 0;  ///< of its files, now
};

/// What a running job has to tell, in the caller's encoding.
struct NewEvent {
  std::string kind;  ///< not "job" or "deleted"
  std::string payload;
};

/// What the daemon knows of its jobs. Thread-safe; errors beside those that each call names: see
/// Store.
///
/// Every change of a job's state is an event in the same transaction, of kind "job", so the log
/// tells the whole story to who continues from a revision. The jobs that callbacks get have no
/// specification: it never changes.
class JobStore {
 public:
  /// Hears the jobs (uids) with new events, after each COMMIT and before its callbacks; on the
  /// committing thread: it must be quick, and must not throw.
  using OnEvents = std::function<void(const std::vector<std::int64_t>&)>;

  /// `store` outlives it, and has made no change yet.
  explicit JobStore(Store& store, OnEvents on_events = {});
  /// Closes the store.
  ~JobStore();
  JobStore(const JobStore&) = delete;
  JobStore& operator=(const JobStore&) = delete;

  const JobReader& read() const { return reader_; }

  /// A job in state QUEUED. AlreadyExists; QuotaExceeded.
  void create(NewJob job, const TenantQuota& quota, RequestKey request, Callback<JobRecord> done);
  /// QUEUED becomes CANCELLED, RUNNING becomes CANCELLING; CANCELLING and CANCELLED stay. NotFound;
  /// FailedPrecondition if it has SUCCEEDED or FAILED; StaleEtag (an empty etag fits always).
  void cancel(JobName name, std::string etag, RequestKey request, Callback<JobRecord> done);
  /// Removes a final job and its events, and gives it as it was last. NotFound; FailedPrecondition
  /// if it is not final; StaleEtag. Its files are the caller's to remove. Of many events most go
  /// after that, a slice at a time: others' changes need not wait for all of them.
  void remove(JobName name, std::string etag, RequestKey request, Callback<JobRecord> done);

  /// NotFound; FailedPrecondition if the state may not follow (see may_follow).
  void change_state(std::int64_t uid, StateChange change, Callback<JobRecord> done);
  /// Appends to the log, all or nothing, and notes `cursor`: how far the caller has got in what the
  /// events were made of, so that after a crash it goes on there and tells nothing twice. Gives the
  /// last revision. NotFound.
  void append_events(std::int64_t uid, std::vector<NewEvent> events, std::string cursor,
                     Callback<std::int64_t> done);
  /// Adds to what the job's tenant has used. Nothing happens if the job is deleted.
  void record_use(std::int64_t uid, JobUse use, Callback<std::monostate> done);

 private:
  using Change = std::function<JobRecord(engine::Database&)>;

  void change(RecordedRequest request, std::size_t bytes, Change change, Callback<JobRecord> done);
  JobRecord insert(engine::Database& database, const NewJob& job, const TenantQuota& quota);
  JobRecord enter(engine::Database& database, JobRecord job, const StateChange& change, Time now);
  bool erase(engine::Database& database, const JobRecord& job);
  void erase_rest(std::int64_t uid);
  std::int64_t log(engine::Database& database, std::int64_t uid, Time now, const std::string& kind,
                   const std::string& payload);

  Store& store_;
  const JobReader reader_;
  std::vector<std::int64_t> touched_;  // by the transaction going on; the committing thread's
};

}  // namespace hwnas::service
