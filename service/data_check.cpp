#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "engine/database.hpp"
#include "engine/store.hpp"
#include "service/audit_files.hpp"
#include "service/audit_log.hpp"
#include "service/backup.hpp"
#include "service/data_files.hpp"
#include "service/job.hpp"
#include "service/schema.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using engine::Database;
using engine::Statement;

using Faults = std::vector<std::string>;

/// What a check throws is what it has found.
template <typename Check>
void note(Faults& faults, const std::string& subject, const Check& check) {
  try {
    check();
  } catch (const Error& failure) {
    faults.push_back(fmt::format("{}: {}", subject, failure.what()));
  }
}

void check_pages(const fs::path& folder, const fs::path& file, Faults& faults) {
  note(faults, file.string(), [&] {
    Database database(folder / file, Database::Access::kReadOnly);
    Statement rows = database.query("PRAGMA integrity_check(1)");
    if (rows.next() && rows.text(0) != "ok") faults.push_back(file.string() + ": " + rows.text(0));
  });
}

/// A line for each row of a query that should give none; the row is in its first column.
void require_none(Database& database, const std::string& sql, const std::string& fault,
                  Faults& faults) {
  Statement rows = database.query(sql);
  while (rows.next()) faults.push_back(fmt::format("{} {}", rows.text(0), fault));
}

void check_relations(Database& database, Faults& faults) {
  const std::string name = "SELECT 'tenants/' || tenant || '/' || job.kind || '/' || id FROM job ";
  require_none(database, name + "WHERE uid NOT IN (SELECT uid FROM specification)",
               "has no specification", faults);
  require_none(database,
               name +
                   "WHERE NOT EXISTS (SELECT 1 FROM event WHERE event.revision = job.revision"
                   " AND event.uid = job.uid AND event.kind = 'job')",
               "has no event of its revision", faults);
  require_none(database,
               "SELECT 'event ' || revision FROM event WHERE kind <> 'deleted'"
               " AND uid NOT IN (SELECT uid FROM job UNION SELECT uid FROM erasure)",
               "is of no job", faults);
}

/// False for a store of another version, whose tables are not those that are known here.
bool check_version(Database& database, Faults& faults) {
  Statement row = database.query("PRAGMA user_version");
  row.next();
  if (row.integer(0) == static_cast<std::int64_t>(migrations().size())) return true;
  faults.push_back(
      fmt::format("{}: of version {}, this program knows {}: check it with the "
                  "program that wrote it, or start hwnasd on it first",
                  kStoreFile, row.integer(0), migrations().size()));
  return false;
}

/// Artifacts and weights against what the run has recorded of them.
void check_run(const fs::path& folder, const std::string& job, Faults& faults) {
  const engine::StoreReader run(folder);
  const auto check = [&](const std::string& file, const std::string& digest) {
    note(faults, job, [&] {
      if (sha256_of_file(folder / file) == digest) return;
      faults.push_back(fmt::format("{}: {} is not what was written", job, file));
    });
  };
  for (const auto& artifact : run.artifacts()) check(artifact.file, artifact.sha256);
  for (const auto& finalist : run.finalists()) {
    if (!finalist.weights_file.empty()) check(finalist.weights_file, finalist.weights_sha256);
  }
}

void check_jobs(const fs::path& folder, Database& database, Faults& faults) {
  Statement rows = database.query(
      "SELECT job.uid, tenant, job.kind, id, state, payload FROM job"
      " JOIN event ON event.revision = job.revision ORDER BY job.uid");
  while (rows.next()) {
    const JobName name{rows.text(1), job_kind_from_string(rows.text(2)), rows.text(3)};
    note(faults, name.text(), [&] {
      const JobRecord told = job_from_json(rows.text(5));
      if (told.name == name && to_string(told.state) == rows.text(4)) return;
      faults.push_back(fmt::format("{}: is {}, but its last event says {} {}", name.text(),
                                   rows.text(4), told.name.text(), to_string(told.state)));
    });
    const fs::path run = files_of_job(folder, rows.integer(0)) / "run";
    if (engine::holds_run(run)) {
      note(faults, name.text(), [&] { check_run(run, name.text(), faults); });
    } else if (rows.text(4) == to_string(JobState::kSucceeded) && name.kind == JobKind::kSearch) {
      faults.push_back(fmt::format("{}: has succeeded, but its files are missing", name.text()));
    }
  }
}

void check_audit(const fs::path& folder, Faults& faults) {
  // None is there before a daemon has started that writes one.
  if (!fs::exists(folder / kAuditFile) && full_audit_files(folder).empty()) return;
  const AuditCheck checked = check_audit_log(folder);
  if (!checked.fault) return;
  faults.push_back(fmt::format("{}:{}: {}", checked.fault->file.string(), checked.fault->line,
                               checked.fault->reason));
}

}  // namespace

Faults check_data(const fs::path& folder) {
  require_store(folder);
  Faults faults;
  if (fs::exists(folder / kBackupListing)) {
    note(faults, kBackupListing,
         [&] { faults = backup_differences(folder, read_backup_listing(folder)); });
  }
  for (const fs::path& file : files_below(folder)) {
    if (!is_passing(file) && is_database(folder / file)) check_pages(folder, file, faults);
  }
  note(faults, kAuditFile, [&] { check_audit(folder, faults); });
  note(faults, kStoreFile, [&] {
    Database database(folder / kStoreFile, Database::Access::kReadOnly);
    if (!check_version(database, faults)) return;
    check_relations(database, faults);
    check_jobs(folder, database, faults);
  });
  return faults;
}

}  // namespace hwnas::service
