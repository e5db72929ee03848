#include "service/requests.hpp"

#include <fmt/format.h>

#include "service/job_rows.hpp"
#include "service/outcome.hpp"

namespace hwnas::service {
namespace {

constexpr std::chrono::hours kRetention{7 * 24};
constexpr int kAlwaysKept = 10'000;
constexpr int kForgetEvery = 1'000;

}  // namespace

std::optional<std::string> find_response(engine::Database& database,
                                         const RecordedRequest& request) {
  if (request.id.empty()) return std::nullopt;
  engine::Statement row = database.query(
      "SELECT method, fingerprint, response FROM request WHERE tenant = ?1 AND id = ?2",
      request.tenant, request.id);
  if (!row.next()) return std::nullopt;
  if (row.text(0) != request.method || row.text(1) != request.fingerprint) {
    throw Refusal(
        ErrorCode::kInvalidArgument,
        fmt::format("request_id: '{}' was used for another request; take a new one", request.id));
  }
  return row.text(2);
}

void record_response(engine::Database& database, const RecordedRequest& request,
                     const std::string& response, Time now) {
  engine::Statement row = database.query(
      "INSERT INTO request (tenant, id, method, fingerprint, response, time)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING sequence",
      request.tenant, request.id, request.method, request.fingerprint, response, to_integer(now));
  row.next();
  if (row.integer(0) % kForgetEvery == 0) forget_old_requests(database, now);
}

void forget_old_requests(engine::Database& database, Time now) {
  database.run(
      "DELETE FROM request WHERE time < ?1"
      " AND sequence <= (SELECT max(sequence) FROM request) - ?2",
      to_integer(now - kRetention), kAlwaysKept);
}

}  // namespace hwnas::service
