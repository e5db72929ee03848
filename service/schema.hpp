#pragma once

#include <filesystem>
#include <span>

#include "engine/database.hpp"

namespace hwnas::service {

inline constexpr const char* kStoreFile = "service.db";

/// SQL by which a database of version n (SQLite's user_version) becomes one of version n + 1; a new
/// file has version 0. Rows are only ever appended.
///
/// Tables (times in microseconds since 1970, UTC):
///   meta     name, value: "page_token_key"
///   job      uid, tenant, kind, id, display_name, priority, state, create_time, update_time,
///            start_time, end_time (NULL: not yet), attempts, failure_code, failure, revision,
///            cursor, planned_trials, bytes (of its files)
///   specification  uid, text: apart from `job`, whose rows are written again at every event
///   event    revision, uid, time, kind, payload: only ever appended to, but for those of deleted
///            jobs, of which nothing but the event "deleted" stays
///   usage    tenant, hour (since 1970), cpu_seconds
///   upload   number, tenant, id, file_name, size_bytes, sha256, committed_bytes, complete, hidden
///            (deleted, but needed by a data set), create_time, seconds_left (see UploadStore)
///   dataset  number, tenant, id, display_name, reader, channels, height, width, classes,
///            train_samples, test_samples, create_time
///   dataset_file  dataset, key, upload: their numbers
///   request  sequence, tenant, id, method, fingerprint, response (as the method keeps it), time
///   erasure  uid of a deleted job whose events are being deleted
///   device, device_measurement  see kDeviceTables
std::span<const char* const> migrations();

/// Brings the database in `file` to the version `steps.size()`, a transaction a step, and keeps a
/// copy of a file with content as "<file>.v<version before>". Killed at any instant, it goes on
/// when called again. Throws FailedPrecondition if the file is of a later version.
void migrate(engine::Database& database, const std::filesystem::path& file,
             std::span<const char* const> steps);

/// Throws FailedPrecondition if SQLite finds the file damaged.
void require_sound(engine::Database& database, const std::filesystem::path& file);

}  // namespace hwnas::service
