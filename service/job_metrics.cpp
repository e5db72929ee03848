#include "service/job_metrics.hpp"

#include <sys/stat.h>

#include "service/job.hpp"
#include "service/metrics.hpp"
#include "service/schema.hpp"

namespace hwnas::service {
namespace {

using engine::Statement;
using prometheus::MetricFamily;

constexpr std::size_t kMaxTenants = 100;

constexpr JobState kJobStates[] = {JobState::kQueued,    JobState::kRunning, JobState::kCancelling,
                                   JobState::kSucceeded, JobState::kFailed,  JobState::kCancelled};
constexpr const char* kTrialEnds[] = {"COMPLETE", "INFEASIBLE", "FAILED", "STOPPED"};

std::map<std::string, std::int64_t> zeros(auto first, auto last, auto name) {
  std::map<std::string, std::int64_t> counts;
  for (; first != last; ++first) counts[std::string(name(*first))] = 0;
  return counts;
}

// States without a job are zeros, so that a dashboard shows them and alerts can be made of them.
std::map<std::string, std::int64_t> no_jobs() {
  return zeros(std::begin(kJobStates), std::end(kJobStates),
               [](JobState state) { return to_string(state); });
}

MetricFamily family_of(const char* name, const char* help,
                       const std::map<std::string, std::int64_t>& by_state) {
  MetricFamily family = metric_family(name, help);
  for (const auto& [state, count] : by_state) {
    add_sample(family, {{"state", state}}, static_cast<double>(count));
  }
  return family;
}

MetricFamily number(const char* name, const char* help, double value) {
  MetricFamily family = metric_family(name, help);
  add_sample(family, {}, value);
  return family;
}

double seconds_since(const Store& store, const Statement& row) {
  if (row.is_null(0)) return 0;
  const double age = static_cast<double>(store.now().time_since_epoch().count() - row.integer(0));
  return std::max(0.0, age / 1e6);
}

double file_bytes(const std::filesystem::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? static_cast<double>(status.st_size) : 0;
}

}  // namespace

JobMetrics::JobMetrics(const Store& store, std::filesystem::path folder)
    : store_(store),
      folder_(std::move(folder)),
      jobs_(no_jobs()),
      trials_(zeros(std::begin(kTrialEnds), std::end(kTrialEnds),
                    [](const char* state) { return std::string(state); })) {
  const Store::Lease database(store_);
  Statement row = database->query("SELECT COALESCE(MAX(revision), 0) FROM event");
  if (row.next()) counted_ = row.integer(0);
}

std::vector<MetricFamily> JobMetrics::Collect() const {
  const std::lock_guard lock(mutex_);
  count_events();
  auto jobs = no_jobs();
  const Store::Lease database(store_);
  Statement row = database->query("SELECT state, COUNT(*) FROM job GROUP BY state");
  while (row.next()) jobs[row.text(0)] = row.integer(1);
  Statement oldest = database->query("SELECT MIN(update_time) FROM job WHERE state = 'QUEUED'");
  oldest.next();
  return {
      family_of("hwnas_jobs", "Jobs of all tenants", jobs),
      family_of("hwnas_jobs_total", "Entries of jobs into a state", jobs_),
      family_of("hwnas_trials_total", "Trials of searches that have ended", trials_),
      number("hwnas_queue_age_seconds", "For how long the job waits that waits longest",
             seconds_since(store_, oldest)),
      number("hwnas_store_wal_bytes", "Size of the store's write-ahead log",
             file_bytes(folder_ / (std::string(kStoreFile) + "-wal"))),
  };
}

void JobMetrics::count_events() const {
  const Store::Lease database(store_);
  Statement row = database->query(
      "SELECT kind, json_extract(payload, '$.state'), COUNT(*), MAX(revision) FROM event"
      " WHERE revision > ?1 AND kind IN ('job', 'trial') GROUP BY 1, 2",
      counted_);
  std::int64_t last = counted_;
  while (row.next()) {
    auto& counts = row.text(0) == "job" ? jobs_ : trials_;
    const auto state = counts.find(row.text(1));  // a trial's others are no ends
    if (state != counts.end()) state->second += row.integer(2);
    last = std::max(last, row.integer(3));
  }
  counted_ = last;
}

std::vector<MetricFamily> TenantMetrics::Collect() const {
  const Store::Lease database(store_);
  Statement tenants = database->query("SELECT COUNT(DISTINCT tenant) FROM job");
  if (!tenants.next() || tenants.integer(0) > static_cast<std::int64_t>(kMaxTenants)) return {};
  MetricFamily family = metric_family("hwnas_tenant_jobs", "Jobs by tenant");
  Statement row = database->query("SELECT tenant, state, COUNT(*) FROM job GROUP BY tenant, state");
  while (row.next()) {
    add_sample(family, {{"tenant", row.text(0)}, {"state", row.text(1)}},
               static_cast<double>(row.integer(2)));
  }
  return {std::move(family)};
}

}  // namespace hwnas::service
