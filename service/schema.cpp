#include "service/schema.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>

#include "core/error.hpp"
#include "service/dataset_rows.hpp"
#include "service/device_store.hpp"
#include "service/study_tables.hpp"
#include "service/usage.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using engine::Database;
using engine::Statement;

constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta (
  name   TEXT PRIMARY KEY,
  value  TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE job (
  uid            INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant         TEXT NOT NULL,
  kind           TEXT NOT NULL,
  id             TEXT NOT NULL,
  display_name   TEXT NOT NULL,
  priority       INTEGER NOT NULL,
  state          TEXT NOT NULL,
  create_time    INTEGER NOT NULL,
  update_time    INTEGER NOT NULL,
  start_time     INTEGER,
  end_time       INTEGER,
  attempts       INTEGER NOT NULL DEFAULT 0,
  failure_code   INTEGER NOT NULL DEFAULT 0,
  failure        TEXT NOT NULL DEFAULT '',
  revision       INTEGER NOT NULL DEFAULT 0,
  cursor         TEXT NOT NULL DEFAULT '',
  UNIQUE (tenant, kind, id)
);
CREATE TABLE specification (
  uid   INTEGER PRIMARY KEY,
  text  TEXT NOT NULL
);
CREATE INDEX job_by_time ON job (tenant, kind, create_time, id);
CREATE INDEX job_unfinished ON job (tenant, uid)
  WHERE state IN ('QUEUED', 'RUNNING', 'CANCELLING');
CREATE TABLE event (
  revision  INTEGER PRIMARY KEY AUTOINCREMENT,
  uid       INTEGER NOT NULL,
  time      INTEGER NOT NULL,
  kind      TEXT NOT NULL,
  payload   TEXT NOT NULL
);
CREATE INDEX event_by_job ON event (uid, revision);
CREATE TABLE request (
  sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant       TEXT NOT NULL,
  id           TEXT NOT NULL,
  method       TEXT NOT NULL,
  fingerprint  TEXT NOT NULL,
  uid          INTEGER NOT NULL,
  response     TEXT NOT NULL,
  time         INTEGER NOT NULL,
  UNIQUE (tenant, id)
);
)sql";

// A response need not be a job any more.
constexpr const char* kFreeResponses = R"sql(
ALTER TABLE request DROP COLUMN uid;
)sql";

constexpr const char* kErasures = R"sql(
CREATE TABLE erasure (
  uid  INTEGER PRIMARY KEY
);
)sql";

const std::string kVersion2 = std::string(kFreeResponses) + kErasures + kDatasetTables +
                              kUsageTables + kDeviceTables + kStudyTables;

const char* const kMigrations[] = {kVersion1, kVersion2.c_str()};

std::int64_t version_of(Database& database) {
  Statement row = database.query("PRAGMA user_version");
  row.next();
  return row.integer(0);
}

void sync(const fs::path& path, int flags) {
  const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) {
    throw error(ErrorCode::kUnavailable, "{}: cannot be written; check the disk, then start again",
                path.string());
  }
}

/// Before the first step of a change of version, so that the older program can be gone back to.
void keep_copy(Database& database, const fs::path& file, std::int64_t version) {
  const fs::path copy = fmt::format("{}.v{}", file.string(), version);
  const fs::path unfinished = copy.string() + ".partial";
  fs::remove(unfinished);
  database.run("VACUUM INTO ?1", unfinished.string());
  sync(unfinished, O_RDWR);
  fs::rename(unfinished, copy);
  sync(copy.parent_path(), O_RDONLY | O_DIRECTORY);
}

}  // namespace

std::span<const char* const> migrations() {
  return kMigrations;
}

void migrate(Database& database, const fs::path& file, std::span<const char* const> steps) {
  const std::int64_t from = version_of(database);
  const auto to = static_cast<std::int64_t>(steps.size());
  if (from > to) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: written by a newer hwnasd (version {} of the store, this program knows {}); "
                "start that one",
                file.string(), from, to);
  }
  if (from > 0 && from < to) keep_copy(database, file, from);
  for (std::int64_t version = from; version < to; ++version) {
    engine::Transaction transaction(database);
    database.execute(steps[static_cast<std::size_t>(version)]);
    database.execute(fmt::format("PRAGMA user_version = {}", version + 1));
    transaction.commit();
  }
}

void require_sound(Database& database, const fs::path& file) {
  Statement checked = database.query("PRAGMA quick_check(1)");
  if (!checked.next() || checked.text(0) != "ok") {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: the file is damaged ({}); restore it from a backup", file.string(),
                checked.text(0));
  }
}

}  // namespace hwnas::service
