#include "service/audit_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "service/audit_chain.hpp"
#include "service/audit_files.hpp"
#include "service/log.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kSyncEvery{50};
constexpr std::chrono::seconds kTryAgainAfter{1};
constexpr std::size_t kMaxFieldBytes = 512;

Error disk_error(const fs::path& file) {
  return error(ErrorCode::kUnavailable, "{}: cannot be written ({})", file.string(),
               std::generic_category().message(errno));
}

ordered_json fields_of(const std::string& time, const AuditEntry& entry) {
  ordered_json fields{{"time", time},
                      {"event", "call"},
                      {"caller", cut(entry.caller, kMaxFieldBytes)},
                      {"method", cut(entry.method, kMaxFieldBytes)},
                      {"resource", cut(entry.resource, kMaxFieldBytes)},
                      {"outcome", cut(entry.outcome, kMaxFieldBytes)},
                      {"request_id", cut(entry.request_id, kMaxFieldBytes)}};
  if (entry.suppressed > 0) fields["suppressed"] = entry.suppressed;
  return fields;
}

}  // namespace

AuditLog::AuditLog(fs::path folder, AuditLogOptions options)
    : folder_(std::move(folder)), options_(options) {
  const AuditTail tail = mend_audit_tail(folder_);
  head_ = {tail.sequence, tail.hash};
  file_first_ = tail.first_sequence;
  open();
  waiting_.push_back({.time = log_time(), .cut_bytes = tail.cut_bytes});
  log_event("audit_head", {{"sequence", head_.sequence}, {"hash", head_.hash}});
  thread_ = std::thread([this] { serve(); });
}

AuditLog::~AuditLog() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  arrived_.notify_one();
  thread_.join();
  ::close(file_);
  log_event("audit_head", {{"sequence", head_.sequence}, {"hash", head_.hash}});
}

void AuditLog::append(AuditEntry entry) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= options_.max_waiting) {
      ++lost_;
      return;
    }
    waiting_.push_back({.time = log_time(), .entry = std::move(entry)});
  }
  arrived_.notify_one();
}

std::uint64_t AuditLog::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

AuditLog::Head AuditLog::head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

void AuditLog::open() {
  const fs::path file = folder_ / kAuditFile;
  file_ = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  struct stat status {};
  if (file_ < 0 || ::fstat(file_, &status) != 0) throw disk_error(file);
  file_bytes_ = static_cast<std::uint64_t>(status.st_size);
}

void AuditLog::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    arrived_.wait(lock, [&] { return closing_ || !waiting_.empty() || lost_ > lost_told_; });
    if (waiting_.empty() && lost_ == lost_told_) return;
    std::deque<Waiting> batch;
    batch.swap(waiting_);
    const std::uint64_t lost = lost_ - lost_told_;
    lock.unlock();
    const bool written = write(batch, lost);
    lock.lock();
    if (written) {
      lost_told_ += lost;
      arrived_.wait_for(lock, kSyncEvery, [&] { return closing_; });
      continue;
    }
    log_event(LogLevel::kError, "audit_not_written",
              {{"file", (folder_ / kAuditFile).string()}, {"waiting", batch.size()}});
    if (closing_) return;  // what the disk has no room for cannot be waited for
    waiting_.insert(waiting_.begin(), std::make_move_iterator(batch.begin()),
                    std::make_move_iterator(batch.end()));
    arrived_.wait_for(lock, kTryAgainAfter, [&] { return closing_; });
  }
}

/// All of it, or nothing.
bool AuditLog::write(const std::deque<Waiting>& batch, std::uint64_t lost) {
  if (file_bytes_ >= options_.max_file_bytes && file_first_ != 0) rotate(file_first_);
  Head head = head_;
  std::string lines;
  const auto add = [&](const ordered_json& fields) {
    MadeLine line = make_audit_line(head.sequence + 1, fields, head.hash);
    lines.append(line.text).push_back('\n');
    head = {head.sequence + 1, std::move(line.hash)};
  };
  for (const Waiting& one : batch) {
    add(one.cut_bytes
            ? ordered_json{{"time", one.time}, {"event", "started"}, {"cut_bytes", *one.cut_bytes}}
            : fields_of(one.time, one.entry));
  }
  if (lost > 0) add({{"time", log_time()}, {"event", "lost"}, {"count", lost}});
  if (!write_lines(lines)) return false;
  if (file_first_ == 0) file_first_ = head_.sequence + 1;
  const std::lock_guard lock(mutex_);
  head_ = std::move(head);
  return true;
}

bool AuditLog::write_lines(const std::string& lines) {
  std::size_t written = 0;
  while (written < lines.size()) {
    const ssize_t count = ::write(file_, lines.data() + written, lines.size() - written);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  if (written == lines.size() && ::fdatasync(file_) == 0) {
    file_bytes_ += written;
    return true;
  }
  // A part would be in the way of the next try; one that stays is found when the log is checked.
  static_cast<void>(!::ftruncate(file_, static_cast<off_t>(file_bytes_)));
  return false;
}

/// On failure the file goes on growing, and it is tried again.
void AuditLog::rotate(std::uint64_t first_sequence) {
  const fs::path file = folder_ / kAuditFile;
  std::error_code failed;
  fs::rename(file, full_audit_file(folder_, first_sequence), failed);
  if (failed) {
    return log_event(LogLevel::kError, "audit_not_rotated", {{"message", failed.message()}});
  }
  const int old = file_;
  try {
    open();
  } catch (const Error& failure) {
    file_ = old;  // under its new name
    return log_event(LogLevel::kError, "audit_not_rotated", {{"message", failure.what()}});
  }
  ::close(old);
  file_first_ = 0;
  remove_old_audit_files(folder_, options_.max_files);
}

}  // namespace hwnas::service
