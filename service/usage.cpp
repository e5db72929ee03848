#include "service/usage.hpp"

#include <fmt/format.h>

namespace hwnas::service {
namespace {

using engine::Database;
using engine::Statement;

constexpr std::int64_t kHoursOfDay = 24;
// Jobs end at any time, so it is worth asking again soon.
constexpr std::chrono::seconds kAskAgain{60};

std::int64_t hour_of(Time time) {
  return std::chrono::floor<std::chrono::hours>(time).time_since_epoch().count();
}

std::chrono::seconds left_of_hour(Time now) {
  const auto next = std::chrono::floor<std::chrono::hours>(now) + std::chrono::hours(1);
  return std::chrono::ceil<std::chrono::seconds>(next - now);
}

}  // namespace

void add_cpu_seconds(Database& database, const std::string& tenant, double seconds, Time now) {
  database.run(
      "INSERT INTO usage VALUES (?1, ?2, ?3)"
      " ON CONFLICT DO UPDATE SET cpu_seconds = cpu_seconds + excluded.cpu_seconds",
      tenant, hour_of(now), seconds);
  database.run("DELETE FROM usage WHERE tenant = ?1 AND hour < ?2", tenant,
               hour_of(now) - kHoursOfDay);
}

double cpu_seconds_of_day(Database& database, const std::string& tenant, Time now) {
  Statement row =
      database.query("SELECT total(cpu_seconds) FROM usage WHERE tenant = ?1 AND hour >= ?2",
                     tenant, hour_of(now) - kHoursOfDay);
  row.next();
  return row.real(0);
}

std::int64_t bytes_of_tenant(Database& database, const std::string& tenant) {
  Statement row = database.query(
      "SELECT (SELECT coalesce(sum(bytes), 0) FROM job WHERE tenant = ?1)"
      " + (SELECT coalesce(sum(size_bytes), 0) FROM upload WHERE tenant = ?1)",
      tenant);
  row.next();
  return row.integer(0);
}

void require_cpu_time(Database& database, const std::string& tenant, const TenantQuota& quota,
                      Time now) {
  if (quota.cpu_seconds_of_day == 0) return;
  const double used = cpu_seconds_of_day(database, tenant, now);
  if (used < static_cast<double>(quota.cpu_seconds_of_day)) return;
  throw QuotaExceeded(
      tenant,
      fmt::format("its jobs have used {:.0f} s of processor time within 24 hours and {} may be; "
                  "wait for the next hour",
                  used, quota.cpu_seconds_of_day),
      left_of_hour(now));
}

void require_room_for_study(Database& database, const std::string& tenant,
                            const TenantQuota& quota) {
  if (quota.studies == 0) return;
  Statement row = database.query("SELECT count(*) FROM study WHERE tenant = ?1", tenant);
  row.next();
  if (row.integer(0) < quota.studies) return;
  throw QuotaExceeded(
      tenant, fmt::format("has {} studies, and no more may be; delete some", row.integer(0)),
      kAskAgain);
}

void require_room_for_trials(Database& database, const std::string& tenant, std::int64_t more,
                             const TenantQuota& quota) {
  if (quota.study_trials == 0) return;
  Statement row = database.query(
      "SELECT total((SELECT max(id) FROM study_trial WHERE study = uid)) FROM study"
      " WHERE tenant = ?1",
      tenant);
  row.next();
  const auto trials = static_cast<std::int64_t>(row.real(0));
  if (trials + more <= quota.study_trials) return;
  throw QuotaExceeded(tenant,
                      fmt::format("its studies have {} trials and {} may be; delete studies that "
                                  "are not needed any more",
                                  trials, quota.study_trials),
                      kAskAgain);
}

void require_room_for_job(Database& database, const std::string& tenant,
                          std::int64_t planned_trials, const TenantQuota& quota, Time now) {
  Statement unfinished = database.query(
      "SELECT count(*), coalesce(sum(planned_trials), 0) FROM job WHERE tenant = ?1"
      " AND state IN ('QUEUED', 'RUNNING', 'CANCELLING')",
      tenant);
  unfinished.next();
  const std::int64_t jobs = unfinished.integer(0);
  if (quota.unfinished_jobs != 0 && jobs >= quota.unfinished_jobs) {
    throw QuotaExceeded(
        tenant,
        fmt::format("{} jobs are not finished and {} may be; wait for one to end, or cancel it",
                    jobs, quota.unfinished_jobs),
        kAskAgain);
  }
  const std::int64_t trials = unfinished.integer(1) + planned_trials;
  if (quota.planned_trials != 0 && trials > quota.planned_trials) {
    throw QuotaExceeded(
        tenant,
        fmt::format("with this job's {} trials {} would be planned in jobs that are not finished, "
                    "and {} may be; ask for fewer, or wait for a job to end",
                    planned_trials, trials, quota.planned_trials),
        kAskAgain);
  }
  const std::int64_t bytes = quota.bytes == 0 ? 0 : bytes_of_tenant(database, tenant);
  if (quota.bytes != 0 && bytes >= quota.bytes) {
    throw QuotaExceeded(tenant,
                        fmt::format("its uploads and its jobs' files have {} bytes and {} may "
                                    "be; delete what is not needed any more",
                                    bytes, quota.bytes),
                        kAskAgain);
  }
  require_cpu_time(database, tenant, quota, now);
}

}  // namespace hwnas::service
