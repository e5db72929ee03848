#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace hwnas::service {

// The files of an audit log in the daemon's data folder; see audit_log.hpp.

/// "audit.log.000000000007".
std::filesystem::path full_audit_file(const std::filesystem::path& folder,
                                      std::uint64_t first_sequence);
/// Those that are full, in the order of their lines.
std::vector<std::filesystem::path> full_audit_files(const std::filesystem::path& folder);
/// All but the newest ones. What cannot be removed stays.
void remove_old_audit_files(const std::filesystem::path& folder, int keep);

/// Where an audit log goes on.
struct AuditTail {
  std::uint64_t sequence = 0;        ///< of its last line; 0: there is none
  std::string hash;                  ///< of that line
  std::uint64_t first_sequence = 0;  ///< of the first line of the file written; 0: it has none
  std::uint64_t cut_bytes = 0;
};
/// Finds the last whole line; what comes after it is moved to audit.log.cut.NUMBER (the number of
/// the line that it would have been). Throws Unavailable, FailedPrecondition.
AuditTail mend_audit_tail(const std::filesystem::path& folder);

}  // namespace hwnas::service
