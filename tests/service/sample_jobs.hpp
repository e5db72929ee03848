#pragma once

#include <functional>
#include <string>

#include "service/job_store.hpp"

namespace hwnas::service {

inline JobName job_name(const std::string& id, const std::string& tenant = "acme") {
  return {tenant, JobKind::kSearch, id};
}

inline NewJob new_job(const std::string& id, const std::string& tenant = "acme") {
  NewJob job;
  job.name = job_name(id, tenant);
  job.specification = "name: " + id + "\n";
  return job;
}

struct OpenStore {
  Store store;
};

/// A store of jobs with its file.
class SampleJobStore : private OpenStore, public JobStore {
 public:
  explicit SampleJobStore(const std::filesystem::path& folder, StoreOptions options = {},
                          OnEvents on_events = {})
      : OpenStore{Store(folder, std::move(options))}, JobStore(store, std::move(on_events)) {}
};

// The store's calls, waited for.

inline JobRecord create(JobStore& store, const NewJob& job, const RequestKey& request = {},
                        const TenantQuota& quota = {}) {
  return await<JobRecord>([&](auto done) { store.create(job, quota, request, done); });
}

inline JobRecord cancel(JobStore& store, const JobName& name, const std::string& etag = {},
                        const RequestKey& request = {}) {
  return await<JobRecord>([&](auto done) { store.cancel(name, etag, request, done); });
}

inline JobRecord remove(JobStore& store, const JobName& name, const std::string& etag = {},
                        const RequestKey& request = {}) {
  return await<JobRecord>([&](auto done) { store.remove(name, etag, request, done); });
}

inline JobRecord change(JobStore& store, std::int64_t uid, const StateChange& change) {
  return await<JobRecord>([&](auto done) { store.change_state(uid, change, done); });
}

inline std::int64_t append(JobStore& store, std::int64_t uid, const std::vector<NewEvent>& events,
                           const std::string& cursor = {}) {
  return await<std::int64_t>([&](auto done) { store.append_events(uid, events, cursor, done); });
}

inline void use(JobStore& store, std::int64_t uid, const JobUse& use) {
  await<std::monostate>([&](auto done) { store.record_use(uid, use, done); });
}

/// All jobs of a listing, page by page.
inline std::vector<JobRecord> list_all(const JobStore& store, JobQuery query) {
  std::vector<JobRecord> jobs;
  do {
    const JobPage page = store.read().list(query);
    jobs.insert(jobs.end(), page.jobs.begin(), page.jobs.end());
    query.page_token = page.next_page_token;
  } while (!query.page_token.empty());
  return jobs;
}

/// The code of the error that an action ends with, and its message.
struct Failure {
  ErrorCode code;
  std::string message;
};

inline Failure failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
  throw std::logic_error("no error");
}

}  // namespace hwnas::service
