#include "service/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "engine/database.hpp"
#include "service/data_files.hpp"
#include "service/schema.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using engine::Database;
using engine::Statement;
using nlohmann::json;

Error disk_failure(const fs::path& file, int reason) {
  if (reason == ENOSPC || reason == EDQUOT) {
    return error(ErrorCode::kResourceExhausted, "{}: the disk is full; make room and try again",
                 file.string());
  }
  return error(ErrorCode::kUnavailable, "{}: cannot be written ({}); check the disk", file.string(),
               std::strerror(reason));
}

void sync(const fs::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!synced) throw disk_failure(path, reason);
}

fs::path without_slash(const fs::path& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return path.has_filename() ? path : path.parent_path();
}

/// Otherwise the copy would be copied, too.
void require_outside(const fs::path& data, const fs::path& backup) {
  const fs::path way = fs::weakly_canonical(backup).lexically_relative(fs::canonical(data));
  if (!way.empty() && *way.begin() != "..") {
    throw invalid_argument("{}: lies in the data that are to be copied; give a folder elsewhere",
                           backup.string());
  }
}

void make_folder(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw disk_failure(folder, failed.value());
  fs::permissions(folder, fs::perms::owner_all);
}

/// As it is at one instant, while others write it.
void copy_database(const fs::path& from, const fs::path& to) {
  Database database(from, Database::Access::kReadOnly);
  database.execute("PRAGMA query_only = OFF");  // which would refuse the copy as well
  database.run("VACUUM INTO ?1", to.string());
}

void copy_one(const fs::path& from, const fs::path& to) {
  if (is_database(from)) {
    copy_database(from, to);
  } else {
    std::error_code failed;
    fs::copy_file(from, to, failed);
    if (failed) throw disk_failure(to, failed.value());
  }
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
  sync(to);
}

/// Of a job that may be deleted at any moment.
void copy_if_there(const fs::path& from, const fs::path& to) {
  try {
    copy_one(from, to);
  } catch (const Error&) {
    if (fs::exists(from)) throw;
    fs::remove(to);
  }
}

void sync_folders(const fs::path& top) {
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    if (entry.is_directory()) sync(entry.path());
  }
  sync(top);
}

std::vector<std::int64_t> integers(Database& database, const std::string& sql) {
  Statement rows = database.query(sql);
  std::vector<std::int64_t> result;
  while (rows.next()) result.push_back(rows.integer(0));
  return result;
}

/// Their files may be missing in part.
void drop_jobs_deleted_meanwhile(const fs::path& data, const fs::path& copy) {
  Database live(data / kStoreFile, Database::Access::kReadOnly);
  const std::vector<std::int64_t> left = integers(live, "SELECT uid FROM job");
  const std::set<std::int64_t> there(left.begin(), left.end());
  Database copied(copy / kStoreFile, Database::Access::kReadWrite);
  copied.query("PRAGMA journal_mode = DELETE").next();
  engine::Transaction transaction(copied);
  for (const std::int64_t uid : integers(copied, "SELECT uid FROM job")) {
    if (there.contains(uid)) continue;
    for (const char* table : {"job", "specification", "event"}) {
      copied.run(fmt::format("DELETE FROM {} WHERE uid = ?1", table), uid);
    }
    fs::remove_all(files_of_job(copy, uid));
  }
  transaction.commit();
}

BackupSummary summary_of(const fs::path& folder) {
  BackupSummary summary;
  Database database(folder / kStoreFile, Database::Access::kReadOnly);
  summary.jobs = integers(database, "SELECT count(*) FROM job").at(0);
  summary.last_revision = integers(database, "SELECT coalesce(max(revision), 0) FROM event").at(0);
  return summary;
}

void write_listing(const fs::path& folder, BackupSummary& summary) {
  json files = json::object();
  for (const fs::path& file : files_below(folder)) {
    const std::uintmax_t bytes = fs::file_size(folder / file);
    files[file.string()] = {{"bytes", bytes}, {"sha256", sha256_of_file(folder / file)}};
    ++summary.files;
    summary.bytes += static_cast<std::int64_t>(bytes);
  }
  write_file_atomically(folder / kBackupListing,
                        json{{"version", kBackupListingVersion}, {"files", files}}.dump(
                            2, ' ', false, json::error_handler_t::replace));
}

}  // namespace

BackupSummary make_backup(const fs::path& data, const fs::path& target) {
  require_store(data);
  const fs::path backup = without_slash(target);
  require_outside(data, backup);
  const fs::path partial = backup.string() + ".partial";
  if (fs::exists(fs::symlink_status(backup))) {
    throw error(ErrorCode::kAlreadyExists, "{}: there is something already; give another name",
                backup.string());
  }
  fs::remove_all(partial);  // of one that was killed
  make_folder(partial);
  copy_one(data / kStoreFile, partial / kStoreFile);
  for (const fs::path& file : files_below(data)) {
    if (file == kStoreFile || is_passing(file)) continue;
    make_folder((partial / file).parent_path());
    copy_if_there(data / file, partial / file);
  }
  drop_jobs_deleted_meanwhile(data, partial);
  BackupSummary summary = summary_of(partial);
  write_listing(partial, summary);
  sync_folders(partial);
  fs::rename(partial, backup);
  sync(backup.parent_path());
  return summary;
}

BackupSummary restore_backup(const fs::path& backup, const fs::path& data) {
  if (!fs::is_regular_file(backup / kBackupListing)) {
    throw error(ErrorCode::kNotFound, "{}: no backup ({} is missing)", backup.string(),
                kBackupListing);
  }
  if (fs::exists(data) && !(fs::is_directory(data) && fs::is_empty(data))) {
    throw error(ErrorCode::kAlreadyExists,
                "{}: is not empty; restore into a new folder, and start hwnasd on that",
                data.string());
  }
  const json files = read_backup_listing(backup);
  const std::vector<std::string> faults = backup_differences(backup, files);
  if (!faults.empty()) {
    throw error(ErrorCode::kFailedPrecondition, "{}: the backup is damaged: {}{}", backup.string(),
                faults.front(),
                faults.size() > 1 ? fmt::format(" (and {} more)", faults.size() - 1) : "");
  }
  make_folder(data);
  BackupSummary summary = summary_of(backup);
  const fs::path last = data / (std::string(kStoreFile) + ".partial");
  for (const auto& [name, entry] : files.items()) {
    const fs::path to = name == kStoreFile ? last : data / name;
    make_folder(to.parent_path());
    std::error_code failed;
    fs::copy_file(backup / name, to, failed);
    if (failed) throw disk_failure(to, failed.value());
    sync(to);
    ++summary.files;
    summary.bytes += static_cast<std::int64_t>(fs::file_size(to));
  }
  fs::rename(last, data / kStoreFile);
  sync_folders(data);
  return summary;
}

}  // namespace hwnas::service
