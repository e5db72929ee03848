#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace hwnas::service {

/// Who asked for what, and what came of it.
struct AuditEntry {
  std::string caller;            ///< "operator", "tenants/acme", or "unknown"
  std::string method;            ///< "hwnas.v1.SearchService/CreateSearchJob"
  std::string resource;          ///< its name, as the call gave it or as it was made
  std::string outcome;           ///< "OK", "PERMISSION_DENIED", …
  std::string request_id;        ///< of the call, as its log lines have it
  std::uint64_t suppressed = 0;  ///< entries before this one that were left out as too many
};

struct AuditLogOptions {
  std::uint64_t max_file_bytes = std::uint64_t{64} << 20;  ///< then another file begins
  int max_files = 16;                 ///< beside the one written; the oldest go
  std::size_t max_waiting = 100'000;  ///< lines; what comes when so many wait is lost, and counted
};

inline constexpr const char* kAuditFile = "audit.log";

/// Notes what was done in DIR/audit.log, a JSON object a line, that is only ever appended to. Full
/// files are kept as audit.log.NUMBER, by the number of their first line. Thread-safe.
///
///   {"sequence": 7, "time": …, "event": "call", "caller": …, "method": …, "resource": …,
///    "outcome": …, "request_id": …, "previous": <hash of line 6>, "hash": <of this line>}
///    and "suppressed" where that is not 0
///
/// A line's hash is the SHA-256 of all of it before `,"hash"`. So no line can be changed, left out
/// or moved without changing all that follow; who can write the file can do just that, or cut off
/// its end, wherefore the last hash goes to the daemon's log when it starts and when it ends.
/// Other events: "started" (cut_bytes: of lines that were not whole, moved to
/// audit.log.cut.NUMBER), and "lost" (count: of lines that did not fit into memory).
///
/// A thread of its own writes and syncs what has come, 20 times a second at most: a line is in the
/// file some milliseconds after append(), and on the disk within 0.1 s. While the disk is full, it
/// tries again every second.
class AuditLog {
 public:
  /// Makes the file if need be, readable by the owner only, and cuts off what a crash has left
  /// half-written at its end. A full disk is no reason not to start: see above. Throws Unavailable
  /// for the disk, FailedPrecondition for a file of which no line within the last MiB is whole.
  explicit AuditLog(std::filesystem::path folder, AuditLogOptions options = {});
  /// Writes what waits.
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// Never waits for the disk.
  void append(AuditEntry entry);
  /// Lines lost since the start.
  std::uint64_t lost() const;
  /// Of the last line that is on the disk.
  struct Head {
    std::uint64_t sequence = 0;  ///< 0: there is none
    std::string hash;
  };
  Head head() const;

 private:
  struct Waiting {
    std::string time;
    AuditEntry entry = {};
    std::optional<std::uint64_t> cut_bytes = {};  // of the event "started" only
  };

  void open();
  void serve();
  bool write(const std::deque<Waiting>& batch, std::uint64_t lost);
  bool write_lines(const std::string& lines);
  void rotate(std::uint64_t first_sequence);

  const std::filesystem::path folder_;
  const AuditLogOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Waiting> waiting_;
  std::uint64_t lost_ = 0;
  std::uint64_t lost_told_ = 0;
  bool closing_ = false;
  Head head_;

  // The thread's own.
  int file_ = -1;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t file_first_ = 0;  // sequence of its first line; 0: it has none
  std::thread thread_;
};

/// The first line that breaks the chain.
struct AuditFault {
  std::filesystem::path file;
  std::uint64_t line = 0;  ///< from 1
  std::string reason;
};

struct AuditCheck {
  std::uint64_t lines = 0;
  std::uint64_t first_sequence = 0;  ///< over 1: older files have gone
  std::string last_hash;             ///< to be held against the daemon's log
  std::uint64_t torn_bytes = 0;      ///< after the last whole line, as a crash leaves them
  std::optional<AuditFault> fault;
};

/// Reads all audit files of a daemon's data folder in order, also while they are written. Throws
/// NotFound if there are none, FailedPrecondition if they cannot be read.
AuditCheck check_audit_log(const std::filesystem::path& folder);

}  // namespace hwnas::service
