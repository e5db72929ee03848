#include "service/job_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "service/job_rows.hpp"
#include "service/outcome.hpp"
#include "service/usage.hpp"

namespace hwnas::service {
namespace {

using engine::Database;
using engine::Statement;

constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
// A filter that nothing matches must not hold a connection for the time that a long table takes.
constexpr int kMaxRowsOfPage = 10'000;

struct Position {
  std::int64_t create_time = INT64_MAX;
  std::string id;
};

std::string to_text(const Position& position) {
  return nlohmann::json{position.create_time, position.id}.dump();
}

/// Of a text that page_tokens_ has vouched for.
Position position_from(const std::string& text) {
  const auto list = nlohmann::json::parse(text);
  return {list.at(0), list.at(1)};
}

std::string arguments_of(const JobQuery& query) {
  return nlohmann::json{"jobs", query.tenant, to_string(query.kind), query.filter}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// The payload was written before the row had its revision.
JobRecord job_of(const EventRecord& event) {
  JobRecord job = job_from_json(event.payload);
  job.revision = event.revision;
  return job;
}

int page_size_of(const JobQuery& query) {
  if (query.page_size < 0) {
    throw invalid_argument("page_size: {} is negative; 0 stands for {}", query.page_size,
                           kDefaultPageSize);
  }
  return query.page_size == 0 ? kDefaultPageSize : std::min(query.page_size, kMaxPageSize);
}

}  // namespace

Time to_time(std::int64_t microseconds) {
  return Time(std::chrono::microseconds(microseconds));
}

std::int64_t to_integer(Time time) {
  return time.time_since_epoch().count();
}

JobRecord read_job(const Statement& row) {
  const auto optional_time = [&](int column) {
    return row.is_null(column) ? std::nullopt : std::optional(to_time(row.integer(column)));
  };
  JobRecord job;
  job.uid = row.integer(0);
  job.name = {row.text(1), job_kind_from_string(row.text(2)), row.text(3)};
  job.display_name = row.text(4);
  job.specification = row.text(5);
  job.priority = static_cast<int>(row.integer(6));
  job.state = job_state_from_string(row.text(7));
  job.create_time = to_time(row.integer(8));
  job.update_time = to_time(row.integer(9));
  job.start_time = optional_time(10);
  job.end_time = optional_time(11);
  job.attempts = static_cast<int>(row.integer(12));
  job.failure_code = static_cast<int>(row.integer(13));
  job.failure = row.text(14);
  job.revision = row.integer(15);
  job.cursor = row.text(16);
  return job;
}

JobRecord find_job(Database& database, const JobName& name, const char* columns) {
  Statement row = database.query(
      fmt::format("SELECT {} FROM job WHERE tenant = ?1 AND kind = ?2 AND id = ?3", columns),
      name.tenant, to_string(name.kind), name.id);
  if (!row.next()) throw Refusal(ErrorCode::kNotFound, name.text() + ": no such job");
  return read_job(row);
}

JobRecord find_job(Database& database, std::int64_t uid, const char* columns) {
  Statement row = database.query(fmt::format("SELECT {} FROM job WHERE uid = ?1", columns), uid);
  if (!row.next()) {
    throw Refusal(ErrorCode::kNotFound, fmt::format("job {}: deleted, or never there", uid));
  }
  return read_job(row);
}

JobRecord JobReader::job(const JobName& name) const {
  return find_job(*Store::Lease(store_), name, kJobColumns);
}

JobRecord JobReader::job(std::int64_t uid) const {
  return find_job(*Store::Lease(store_), uid, kJobColumns);
}

std::optional<JobRecord> JobReader::created_before(const std::string& tenant,
                                                   const RequestKey& request) const {
  const Store::Lease database(store_);
  const auto response =
      find_response(*database, {tenant, request.id, "create", request.fingerprint});
  if (!response) return std::nullopt;
  JobRecord job = job_from_json(*response);
  Statement row = database->query("SELECT text FROM specification WHERE uid = ?1", job.uid);
  if (row.next()) job.specification = row.text(0);
  return job;
}

JobPage JobReader::list(const JobQuery& query) const {
  const auto page_size = static_cast<std::size_t>(page_size_of(query));
  const std::string arguments = arguments_of(query);
  Position position;
  if (!query.page_token.empty()) {
    position = position_from(store_.page_tokens().read(query.page_token, arguments));
  }
  const Store::Lease database(store_);
  Statement rows = database->query(
      fmt::format("SELECT {} FROM job WHERE tenant = ?1 AND kind = ?2 AND (create_time, id) < "
                  "(?3, ?4) ORDER BY create_time DESC, id DESC",
                  kJobColumnsWithoutSpecification),
      query.tenant, to_string(query.kind), position.create_time, position.id);
  JobPage page;
  for (int read = 0; rows.next(); ++read) {
    if (page.jobs.size() == page_size || read == kMaxRowsOfPage) {
      page.next_page_token = store_.page_tokens().make(to_text(position), arguments);
      break;
    }
    JobRecord job = read_job(rows);
    position = {to_integer(job.create_time), job.name.id};
    if (!query.matches || query.matches(job)) page.jobs.push_back(std::move(job));
  }
  return page;
}

std::vector<JobRecord> JobReader::unfinished() const {
  const Store::Lease database(store_);
  Statement rows = database->query(
      fmt::format("SELECT {} FROM job WHERE state IN ('QUEUED', 'RUNNING', 'CANCELLING')"
                  " ORDER BY uid",
                  kJobColumns));
  std::vector<JobRecord> jobs;
  while (rows.next()) jobs.push_back(read_job(rows));
  return jobs;
}

std::vector<EventRecord> JobReader::events(std::int64_t uid, std::int64_t after_revision,
                                           int limit) const {
  const Store::Lease database(store_);
  Statement rows = database->query(
      "SELECT revision, uid, time, kind, payload FROM event WHERE uid = ?1 AND revision > ?2"
      " ORDER BY revision LIMIT ?3",
      uid, after_revision, limit);
  std::vector<EventRecord> events;
  while (rows.next()) {
    EventRecord& event = events.emplace_back();
    event.revision = rows.integer(0);
    event.uid = rows.integer(1);
    event.time = to_time(rows.integer(2));
    event.kind = rows.text(3);
    event.payload = rows.text(4);
    if (event.kind == "job") event.job = job_of(event);
  }
  return events;
}

void JobReader::require_cpu_time(const std::string& tenant, const TenantQuota& quota) const {
  service::require_cpu_time(*Store::Lease(store_), tenant, quota, store_.now());
}

std::int64_t JobReader::last_revision() const {
  const Store::Lease database(store_);
  Statement row = database->query("SELECT coalesce(max(revision), 0) FROM event");
  row.next();
  return row.integer(0);
}

}  // namespace hwnas::service
