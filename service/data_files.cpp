#include "service/data_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"
#include "service/schema.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uintmax_t kMaxListingBytes = std::uintmax_t{1} << 30;
constexpr std::string_view kSqliteHeader{"SQLite format 3\0", 16};

void collect_files(const fs::path& top, const fs::path& folder, std::vector<fs::path>& files) {
  std::error_code failed;
  for (fs::directory_iterator entry(top / folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    std::error_code gone;
    const fs::file_status status = entry->symlink_status(gone);
    const fs::path name = folder / entry->path().filename();
    if (fs::is_directory(status)) collect_files(top, name, files);
    if (fs::is_regular_file(status)) files.push_back(name);
  }
  if (failed && failed != std::errc::no_such_file_or_directory) {
    throw error(ErrorCode::kUnavailable, "{}: cannot be read ({})", (top / folder).string(),
                failed.message());
  }
}

}  // namespace

void require_store(const fs::path& folder) {
  if (fs::is_regular_file(folder / kStoreFile)) return;
  throw error(ErrorCode::kNotFound, "{}: no data of hwnasd ({} is missing)", folder.string(),
              kStoreFile);
}

fs::path files_of_job(const fs::path& folder, std::int64_t uid) {
  return folder / "jobs" / std::to_string(uid);
}

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  collect_files(folder, {}, files);
  std::ranges::sort(files);
  return files;
}

bool is_passing(const fs::path& file) {
  const std::string name = file.filename().string();
  return name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with("-journal") ||
         name.ends_with(".partial") || name.starts_with(std::string(kStoreFile) + ".v");
}

bool is_database(const fs::path& file) {
  std::array<char, kSqliteHeader.size()> header{};
  std::ifstream(file, std::ios::binary).read(header.data(), header.size());
  return std::string_view(header.data(), header.size()) == kSqliteHeader;
}

json read_backup_listing(const fs::path& backup) {
  try {
    const json listing = json::parse(read_file(backup / kBackupListing, kMaxListingBytes));
    if (listing.at("version") == kBackupListingVersion) return listing.at("files");
  } catch (const json::exception&) {
    // Told below.
  }
  throw error(ErrorCode::kFailedPrecondition,
              "{}: not a listing that this version writes; the backup is damaged or newer",
              (backup / kBackupListing).string());
}

std::vector<std::string> backup_differences(const fs::path& backup, const json& files) {
  std::vector<std::string> faults;
  for (const auto& [name, entry] : files.items()) {
    const fs::path file = fs::path(name).lexically_normal();
    const bool beneath = file.is_relative() && *file.begin() != "..";
    std::error_code missing;
    if (!beneath || !fs::is_regular_file(fs::symlink_status(backup / file, missing))) {
      faults.push_back(fmt::format("{}: is missing", name));
    } else if (sha256_of_file(backup / file) != entry.value("sha256", "")) {
      faults.push_back(fmt::format("{}: is not what was written when the backup was made", name));
    }
  }
  return faults;
}

}  // namespace hwnas::service
