#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace hwnas::service {

// How the lines of an audit log hang together; see audit_log.hpp.

/// What the first line of all names as the one before.
inline constexpr std::string_view kNoHash =
    "0000000000000000000000000000000000000000000000000000000000000000";
/// A line is never longer.
inline constexpr std::size_t kMaxAuditLineBytes = 32'768;

struct AuditLine {
  std::uint64_t sequence = 0;
  std::string previous;
  std::string hash;
};

/// A line without its end: `fields` between its number and its hashes. Gives its hash, too.
struct MadeLine {
  std::string text;
  std::string hash;
};
MadeLine make_audit_line(std::uint64_t sequence, const nlohmann::ordered_json& fields,
                         std::string_view previous);

/// A line without its end; nothing if it is not what make_audit_line made.
std::optional<AuditLine> read_audit_line(std::string_view line);

}  // namespace hwnas::service
