#include "service/job_store.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "core/error.hpp"
#include "service/job_rows.hpp"
#include "service/usage.hpp"

namespace hwnas::service {
namespace {

// Of a deleted job, at a time: some milliseconds.
constexpr int kEventsOfSlice = 1000;
constexpr std::size_t kBytesOfSlice = 1 << 20;

using engine::Database;
using engine::Statement;

Refusal refuse(ErrorCode code, std::string message) {
  return {code, std::move(message)};
}

/// Erases some events of a deleted job. True if there are more.
bool erase_slice(Database& database, std::int64_t uid) {
  database.run(
      "DELETE FROM event WHERE revision IN (SELECT revision FROM event"
      " WHERE uid = ?1 AND kind != 'deleted' ORDER BY revision LIMIT ?2)",
      uid, kEventsOfSlice);
  Statement left =
      database.query("SELECT 1 FROM event WHERE uid = ?1 AND kind != 'deleted' LIMIT 1", uid);
  if (left.next()) return true;
  database.run("DELETE FROM erasure WHERE uid = ?1", uid);
  return false;
}

std::vector<std::int64_t> unfinished_erasures(const Store& store) {
  const Store::Lease database(store);
  Statement rows = database->query("SELECT uid FROM erasure");
  std::vector<std::int64_t> uids;
  while (rows.next()) uids.push_back(rows.integer(0));
  return uids;
}

}  // namespace

JobStore::JobStore(Store& store, OnEvents on_events) : store_(store), reader_(store) {
  store_.after_commit([this, on_events = std::move(on_events)](bool committed) {
    if (committed && on_events && !touched_.empty()) on_events(touched_);
    touched_.clear();
  });
  for (const std::int64_t uid : unfinished_erasures(store_)) erase_rest(uid);
}

JobStore::~JobStore() {
  store_.close();
}

void JobStore::create(NewJob job, const TenantQuota& quota, RequestKey request,
                      Callback<JobRecord> done) {
  const RecordedRequest key{job.name.tenant, request.id, "create", request.fingerprint};
  const std::size_t bytes = job.specification.size();
  change(
      key, bytes,
      [this, job = std::move(job), quota](Database& database) {
        return insert(database, job, quota);
      },
      std::move(done));
}

void JobStore::cancel(JobName name, std::string etag, RequestKey request,
                      Callback<JobRecord> done) {
  const RecordedRequest key{name.tenant, request.id, "cancel", request.fingerprint};
  const auto cancelled = [this, name = std::move(name),
                          etag = std::move(etag)](Database& database) {
    JobRecord job = find_job(database, name, kJobColumnsWithoutSpecification);
    require_etag(job.name.text(), etag, job.etag());
    switch (job.state) {
      case JobState::kQueued:
        return enter(database, std::move(job), {.to = JobState::kCancelled}, store_.now());
      case JobState::kRunning:
        return enter(database, std::move(job), {.to = JobState::kCancelling}, store_.now());
      case JobState::kCancelling:
      case JobState::kCancelled:
        return job;
      default:
        throw refuse(ErrorCode::kFailedPrecondition,
                     fmt::format("{}: cannot be cancelled, it has {} already", name.text(),
                                 to_string(job.state)));
    }
  };
  change(key, 0, cancelled, std::move(done));
}

void JobStore::remove(JobName name, std::string etag, RequestKey request,
                      Callback<JobRecord> done) {
  const RecordedRequest key{name.tenant, request.id, "remove", request.fingerprint};
  const auto more = std::make_shared<bool>(false);
  const auto removed = [this, name = std::move(name), etag = std::move(etag),
                        more](Database& database) {
    JobRecord job = find_job(database, name, kJobColumnsWithoutSpecification);
    require_etag(job.name.text(), etag, job.etag());
    if (!is_final(job.state)) {
      throw refuse(ErrorCode::kFailedPrecondition,
                   fmt::format("{}: cannot be deleted while it is {}; cancel it first", name.text(),
                               to_string(job.state)));
    }
    *more = erase(database, job);
    return job;
  };
  change(key, kBytesOfSlice, removed,
         [this, more, done = std::move(done)](const Outcome<JobRecord>& outcome) {
           if (outcome.succeeded() && *more) erase_rest(outcome.get().uid);
           done(outcome);
         });
}

void JobStore::change_state(std::int64_t uid, StateChange state, Callback<JobRecord> done) {
  const auto enter_state = [this, uid, state = std::move(state)](Database& database) {
    JobRecord job = find_job(database, uid, kJobColumnsWithoutSpecification);
    if (!may_follow(state.to, job.state)) {
      throw refuse(ErrorCode::kFailedPrecondition,
                   fmt::format("{}: is {}, cannot become {}", job.name.text(), to_string(job.state),
                               to_string(state.to)));
    }
    return enter(database, std::move(job), state, store_.now());
  };
  change({}, 0, enter_state, std::move(done));
}

void JobStore::append_events(std::int64_t uid, std::vector<NewEvent> events, std::string cursor,
                             Callback<std::int64_t> done) {
  std::size_t bytes = cursor.size();
  for (const NewEvent& event : events) bytes += event.payload.size();
  store_.change<std::int64_t>(
      {}, bytes,
      [this, uid, events = std::move(events), cursor = std::move(cursor)](Database& database) {
        Statement updated = database.query(
            "UPDATE job SET cursor = ?2 WHERE uid = ?1 RETURNING revision", uid, cursor);
        if (!updated.next()) {
          throw refuse(ErrorCode::kNotFound, fmt::format("job {}: deleted, or never there", uid));
        }
        std::int64_t revision = updated.integer(0);
        for (const NewEvent& event : events) {
          revision = log(database, uid, store_.now(), event.kind, event.payload);
        }
        return revision;
      },
      {}, std::move(done));
}

void JobStore::change(RecordedRequest request, std::size_t bytes, Change change,
                      Callback<JobRecord> done) {
  store_.change<JobRecord>(std::move(request), bytes, std::move(change), {to_json, job_from_json},
                           std::move(done));
}

void JobStore::record_use(std::int64_t uid, JobUse use, Callback<std::monostate> done) {
  store_.change<std::monostate>(
      {}, 0,
      [this, uid, use](Database& database) {
        Statement updated = database.query(
            "UPDATE job SET bytes = ?2 WHERE uid = ?1 RETURNING tenant", uid, use.bytes);
        if (updated.next()) {
          add_cpu_seconds(database, updated.text(0), use.cpu_seconds, store_.now());
        }
        return std::monostate();
      },
      {}, std::move(done));
}

JobRecord JobStore::insert(Database& database, const NewJob& job, const TenantQuota& quota) {
  Statement taken = database.query("SELECT 1 FROM job WHERE tenant = ?1 AND kind = ?2 AND id = ?3",
                                   job.name.tenant, to_string(job.name.kind), job.name.id);
  if (taken.next()) {
    throw refuse(ErrorCode::kAlreadyExists,
                 fmt::format("{}: exists already; take another id", job.name.text()));
  }
  JobRecord record;
  record.name = job.name;
  record.display_name = job.display_name;
  record.priority = job.priority;
  record.create_time = store_.now();
  require_room_for_job(database, job.name.tenant, job.planned_trials, quota, record.create_time);
  Statement inserted = database.query(
      "INSERT INTO job (tenant, kind, id, display_name, priority, state,"
      " create_time, update_time, planned_trials) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8)"
      " RETURNING uid",
      job.name.tenant, to_string(job.name.kind), job.name.id, job.display_name, job.priority,
      to_string(record.state), to_integer(record.create_time), job.planned_trials);
  inserted.next();
  record.uid = inserted.integer(0);
  database.run("INSERT INTO specification VALUES (?1, ?2)", record.uid, job.specification);
  return enter(database, record, {.to = JobState::kQueued}, record.create_time);
}

/// Puts the job into a state and logs it as it is then.
JobRecord JobStore::enter(Database& database, JobRecord job, const StateChange& change, Time now) {
  job.state = change.to;
  job.update_time = now;
  job.failure_code = change.failure_code;
  job.failure = change.failure;
  if (change.to == JobState::kRunning) {
    ++job.attempts;
    if (!job.start_time) job.start_time = job.update_time;
  }
  if (is_final(change.to)) job.end_time = job.update_time;
  job.revision = log(database, job.uid, now, "job", to_json(job));
  database.run(
      "UPDATE job SET state = ?2, update_time = ?3, attempts = ?4, failure_code = ?5, failure = ?6,"
      " revision = ?7, start_time = CASE WHEN ?4 > 0 THEN coalesce(start_time, ?3) END,"
      " end_time = CASE WHEN ?8 THEN ?3 END WHERE uid = ?1",
      job.uid, to_string(job.state), to_integer(job.update_time), job.attempts, job.failure_code,
      job.failure, job.revision, is_final(job.state));
  return job;
}

/// True if events of it are left.
bool JobStore::erase(Database& database, const JobRecord& job) {
  database.run("DELETE FROM specification WHERE uid = ?1", job.uid);
  database.run("DELETE FROM job WHERE uid = ?1", job.uid);
  database.run("INSERT INTO erasure VALUES (?1)", job.uid);
  log(database, job.uid, store_.now(), "deleted", "");
  return erase_slice(database, job.uid);
}

/// What a full disk or the end of the daemon interrupts goes on at the next start.
void JobStore::erase_rest(std::int64_t uid) {
  const auto more = std::make_shared<bool>(false);
  store_.submit([uid, more](Database& database) { *more = erase_slice(database, uid); },
                [this, uid, more](std::exception_ptr failure) {
                  if (!failure && *more) erase_rest(uid);
                },
                kBytesOfSlice);
}

std::int64_t JobStore::log(Database& database, std::int64_t uid, Time now, const std::string& kind,
                           const std::string& payload) {
  Statement row = database.query(
      "INSERT INTO event (uid, time, kind, payload) VALUES (?1, ?2, ?3, ?4) RETURNING revision",
      uid, to_integer(now), kind, payload);
  row.next();
  if (std::ranges::find(touched_, uid) == touched_.end()) touched_.push_back(uid);
  return row.integer(0);
}

}  // namespace hwnas::service
