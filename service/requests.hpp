#pragma once

#include <optional>
#include <string>

#include "engine/database.hpp"
#include "service/job.hpp"

namespace hwnas::service {

/// Makes a repeated call harmless: the tenant's id of the call, and what was asked for, so that the
/// same id for something else is noticed. With an empty id every call counts.
struct RequestKey {
  std::string id;
  /// SHA-256 of method and arguments, or the like; equal for equal requests.
  std::string fingerprint;
};

/// A call that must be done once, however often it is made.
struct RecordedRequest {
  std::string tenant;
  std::string id;  ///< empty: every call counts
  std::string method;
  std::string fingerprint;
};

/// What the first call was answered; nothing if this is the first, or without an id. Throws Refusal
/// (InvalidArgument) if the tenant used the id for something else.
std::optional<std::string> find_response(engine::Database& database,
                                         const RecordedRequest& request);

/// To be called in the transaction that does what was asked for.
void record_response(engine::Database& database, const RecordedRequest& request,
                     const std::string& response, Time now);

/// Forgets requests that are more than 7 days old, but for the newest 10,000: a clock that jumps
/// ahead must not forget the ones that are being retried.
void forget_old_requests(engine::Database& database, Time now);

}  // namespace hwnas::service
