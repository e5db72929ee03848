#pragma once

#include <optional>
#include <string>

#include "engine/database.hpp"
#include "service/job.hpp"

namespace hwnas::service {

/// A call that must be done once, however often it is made.
struct RecordedRequest {
  std::string tenant;
  std::string id;  ///< empty: every call counts
  std::string method;
  std::string fingerprint;
};

/// What the first call was answered, with an empty specification; nothing if this is the first.
/// Throws Refusal (InvalidArgument) if the tenant used the id for something else.
std::optional<JobRecord> find_response(engine::Database& database, const RecordedRequest& request);

/// To be called in the transaction that does what was asked for.
void record_response(engine::Database& database, const RecordedRequest& request,
                     const JobRecord& response, Time now);

/// Forgets requests that are more than 7 days old, but for the newest 10,000: a clock that jumps
/// ahead must not forget the ones that are being retried.
void forget_old_requests(engine::Database& database, Time now);

}  // namespace hwnas::service
