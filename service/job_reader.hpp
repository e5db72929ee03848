#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "service/job.hpp"
#include "service/quota.hpp"
#include "service/store.hpp"

namespace hwnas::service {

/// Which jobs a listing gives, and how many at a time.
struct JobQuery {
  std::string tenant;
  JobKind kind = JobKind::kSearch;
  int page_size = 0;  ///< 0: 50; at most 1000, more count as 1000; InvalidArgument below 0
  std::string page_token = {};  ///< empty: from the beginning
  std::string filter = {};      ///< the text that `matches` was made of: tokens are bound to it
  std::function<bool(const JobRecord&)> matches = {};  ///< empty: all
};

struct JobPage {
  std::vector<JobRecord> jobs;  ///< specifications left out
  std::string next_page_token;  ///< empty: that was all. A page may be short, even empty, before
};

/// One entry of the log.
struct EventRecord {
  std::int64_t revision = 0;  ///< rises over all jobs, with gaps
  std::int64_t uid = 0;       ///< of the job
  Time time;
  std::string kind;              ///< "job", "deleted", or as given to append_events
  std::string payload;           ///< as given to append_events
  std::optional<JobRecord> job;  ///< of kind "job": as it was then, as job_from_json gives it
};

/// Reads the jobs of a store. Thread-safe. Errors as engine::Database's.
class JobReader {
 public:
  explicit JobReader(const Store& store) : store_(store) {}

  /// Throws NotFound.
  JobRecord job(const JobName& name) const;
  JobRecord job(std::int64_t uid) const;
  /// What a call of JobStore::create with this id was answered, if it has been made: what its
  /// specification names may be gone by now. With its specification, unless it has been deleted.
  /// Throws as find_response.
  std::optional<JobRecord> created_before(const std::string& tenant,
                                          const RequestKey& request) const;
  /// The newest first: by (create_time, id), falling. A job that exists during all of a listing is
  /// given exactly once, whatever the clock does. Throws InvalidArgument.
  JobPage list(const JobQuery& query) const;
  /// Of all tenants and kinds, with specifications, in the order of their creation: what a daemon
  /// goes on with.
  std::vector<JobRecord> unfinished() const;
  /// The events of a job with a greater revision, in order, at most `limit`.
  std::vector<EventRecord> events(std::int64_t uid, std::int64_t after_revision, int limit) const;
  /// Throws QuotaExceeded if the tenant may not use any more processor time now.
  void require_cpu_time(const std::string& tenant, const TenantQuota& quota) const;
  /// Of the last event of all; 0: there is none.
  std::int64_t last_revision() const;

 private:
  const Store& store_;
};

}  // namespace hwnas::service
