#pragma once

#include <string>

#include "engine/database.hpp"
#include "service/job.hpp"
#include "service/quota.hpp"

namespace hwnas::service {

// What tenants have used, as the store knows it. Processor time is kept by the hour for a day.

/// SQL of the tables; part of version 2 of the store.
inline constexpr const char* kUsageTables = R"sql(
ALTER TABLE job ADD COLUMN planned_trials INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
CREATE TABLE usage (
  tenant       TEXT NOT NULL,
  hour         INTEGER NOT NULL,
  cpu_seconds  REAL NOT NULL,
  PRIMARY KEY (tenant, hour)
) WITHOUT ROWID;
)sql";

void add_cpu_seconds(engine::Database& database, const std::string& tenant, double seconds,
                     Time now);
/// Within the last 24 hours, and of the hour that they began in.
double cpu_seconds_of_day(engine::Database& database, const std::string& tenant, Time now);

/// Of its jobs' files, and of its uploads as they were announced.
std::int64_t bytes_of_tenant(engine::Database& database, const std::string& tenant);

/// Throws QuotaExceeded if the tenant may not have one more study.
void require_room_for_study(engine::Database& database, const std::string& tenant,
                            const TenantQuota& quota);
/// Throws QuotaExceeded if the tenant's studies may not have so many more trials.
void require_room_for_trials(engine::Database& database, const std::string& tenant,
                             std::int64_t more, const TenantQuota& quota);

/// Throws QuotaExceeded if the tenant may not have one more job with so many trials.
void require_room_for_job(engine::Database& database, const std::string& tenant,
                          std::int64_t planned_trials, const TenantQuota& quota, Time now);
/// Throws QuotaExceeded if the tenant may not use any more processor time now.
void require_cpu_time(engine::Database& database, const std::string& tenant,
                      const TenantQuota& quota, Time now);

}  // namespace hwnas::service
