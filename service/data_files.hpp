#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace hwnas::service {

// What lies in a daemon's data folder and in backups of it; for backup.cpp and data_check.cpp.

/// Throws NotFound if the folder holds no store.
void require_store(const std::filesystem::path& folder);
/// Where a job's files are (see run_folder in supervisor.hpp).
std::filesystem::path files_of_job(const std::filesystem::path& folder, std::int64_t uid);

/// Plain files below a folder, relative to it, in order. Links are not followed; what goes while
/// it is looked at is left out. Throws Unavailable.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder);
/// It belongs to a process that has the folder open, is about to be renamed, or is the copy of an
/// older version of the store.
bool is_passing(const std::filesystem::path& file);
/// Of SQLite, told by its first bytes.
bool is_database(const std::filesystem::path& file);

/// Of a backup: an object of file names with "bytes" and "sha256" under "files".
inline constexpr const char* kBackupListing = "backup.json";
inline constexpr int kBackupListingVersion = 1;
/// The listing's files. Throws FailedPrecondition if it is damaged or newer.
nlohmann::json read_backup_listing(const std::filesystem::path& backup);
/// A line for each file that is not as it was listed.
std::vector<std::string> backup_differences(const std::filesystem::path& backup,
                                            const nlohmann::json& files);

}  // namespace hwnas::service
