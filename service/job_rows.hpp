#pragma once

#include <string>

#include "engine/database.hpp"
#include "service/job.hpp"

namespace hwnas::service {

// Shared by the reading and the writing half of the store; the tables are described in schema.hpp.

/// What read_job expects of a row of `job`, in order.
inline constexpr const char* kJobColumns =
    "uid, tenant, kind, id, display_name,"
    " (SELECT text FROM specification WHERE specification.uid = job.uid), priority, state, "
    "create_time, update_time,"
    " start_time, end_time, attempts, failure_code, failure, revision, cursor";
/// The same with an empty specification, which may have 256 KiB.
inline constexpr const char* kJobColumnsWithoutSpecification =
    "uid, tenant, kind, id, display_name, '', priority, state, create_time, update_time,"
    " start_time, end_time, attempts, failure_code, failure, revision, cursor";

JobRecord read_job(const engine::Statement& row);
/// `columns`: one of the above. Throws Refusal (NotFound).
JobRecord find_job(engine::Database& database, const JobName& name, const char* columns);
JobRecord find_job(engine::Database& database, std::int64_t uid, const char* columns);

Time to_time(std::int64_t microseconds);
std::int64_t to_integer(Time time);

}  // namespace hwnas::service
