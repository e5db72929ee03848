#include <fmt/format.h>

#include <fstream>

#include "core/error.hpp"
#include "service/audit_chain.hpp"
#include "service/audit_files.hpp"
#include "service/audit_log.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

/// Goes from line to line.
class Chain {
 public:
  explicit Chain(AuditCheck& check) : check_(check) {}

  /// Nothing if the line follows the one before.
  std::optional<std::string> follow(std::string_view text) {
    const auto line = read_audit_line(text);
    if (!line) return "is not as hwnasd wrote it";
    if (check_.lines == 0) {
      check_.first_sequence = line->sequence;
      if (line->sequence == 1 && line->previous != kNoHash) return "is first, but names one before";
    } else if (line->sequence != sequence_ + 1) {
      return fmt::format("is number {}, where {} is expected", line->sequence, sequence_ + 1);
    } else if (line->previous != check_.last_hash) {
      return "names another line as the one before";
    }
    sequence_ = line->sequence;
    check_.last_hash = line->hash;
    ++check_.lines;
    return std::nullopt;
  }

 private:
  AuditCheck& check_;
  std::uint64_t sequence_ = 0;
};

/// A line of any length that ends with a newline, cut to what a line may have and a bit; false at
/// the end of the file, with what is left.
bool read_line(std::istream& stream, std::string& line, std::uint64_t& bytes) {
  line.clear();
  bytes = 0;
  for (int c = stream.get(); c != std::istream::traits_type::eof(); c = stream.get()) {
    if (c == '\n') return true;
    ++bytes;
    if (line.size() <= kMaxAuditLineBytes) line.push_back(static_cast<char>(c));
  }
  return false;
}

void check_file(const fs::path& file, bool is_last, Chain& chain, AuditCheck& check) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw error(ErrorCode::kFailedPrecondition, "{}: cannot be read", file.string());
  std::string line;
  std::uint64_t bytes = 0;
  for (std::uint64_t number = 1; !check.fault; ++number) {
    const bool whole = read_line(stream, line, bytes);
    if (!whole && bytes == 0) return;
    if (!whole && is_last) {
      check.torn_bytes = bytes;
      return;
    }
    if (const auto reason = chain.follow(line)) check.fault = {file, number, *reason};
  }
}

}  // namespace

AuditCheck check_audit_log(const fs::path& folder) {
  std::vector<fs::path> files = full_audit_files(folder);
  if (fs::exists(folder / kAuditFile)) files.push_back(folder / kAuditFile);
  if (files.empty()) {
    throw error(ErrorCode::kNotFound, "{}: there is no {} in it", folder.string(), kAuditFile);
  }
  AuditCheck check;
  Chain chain(check);
  for (std::size_t i = 0; i < files.size() && !check.fault; ++i) {
    check_file(files[i], i + 1 == files.size(), chain, check);
  }
  return check;
}

}  // namespace hwnas::service
