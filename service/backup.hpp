#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hwnas::service {

/// What a backup holds, and its listing "backup.json": every other file with size and SHA-256.
struct BackupSummary {
  std::int64_t jobs = 0;
  std::int64_t last_revision = 0;  ///< of the event log
  std::int64_t files = 0;
  std::int64_t bytes = 0;
};

/// Copies a daemon's data folder while the daemon works. Every change that was acknowledged before
/// the call is in the copy; later ones may be. The store comes first and the jobs' files after it,
/// each database as it was at one instant (VACUUM INTO), so that a run is never behind what the
/// store has told of it: restored, its job goes on from there. Jobs deleted meanwhile are left out.
/// The copy is whole and on the disk, or not there: it is made as "<backup>.partial". It holds all
/// that the tenants have sent, and the key of the page tokens: only its owner may read it.
/// Throws NotFound if `data` holds no store, InvalidArgument if `backup` lies in it, AlreadyExists
/// if there is something at `backup`, ResourceExhausted or Unavailable for the disk.
BackupSummary make_backup(const std::filesystem::path& data, const std::filesystem::path& backup);

/// Makes a backup a data folder again, for a daemon to be started on: `data` is empty or not there.
/// Each file is held against the listing first. Killed in between, it leaves a folder without a
/// store. Throws NotFound for what is no backup, AlreadyExists if `data` is not empty,
/// FailedPrecondition for a backup that is damaged.
BackupSummary restore_backup(const std::filesystem::path& backup,
                             const std::filesystem::path& data);

/// What is wrong in a data folder or a backup, one line each; empty: nothing. Looks into every page
/// of every database, holds jobs against their specifications and events, artifacts and weights
/// against their SHA-256, the audit log against its hashes, and a backup's files against its
/// listing. On a folder that is served, jobs that end or are deleted meanwhile may be told as
/// faults. Throws NotFound if there is no store.
std::vector<std::string> check_data(const std::filesystem::path& folder);

}  // namespace hwnas::service
