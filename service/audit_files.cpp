#include "service/audit_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "service/audit_chain.hpp"
#include "service/audit_log.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kTailBytes = 1 << 20;
constexpr std::size_t kDigits = 12;

struct FoundLine {
  AuditLine line;
  std::size_t end = 0;  ///< after its newline
};

std::optional<FoundLine> last_whole_line(std::string_view text) {
  std::size_t end = text.rfind('\n');
  while (end != std::string_view::npos) {
    const std::size_t newline = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
    const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    if (const auto line = read_audit_line(text.substr(begin, end - begin))) {
      return FoundLine{*line, end + 1};
    }
    end = newline;
  }
  return std::nullopt;
}

std::string read_from(const fs::path& file, std::uintmax_t offset) {
  std::ifstream stream(file, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw error(ErrorCode::kUnavailable, "{}: cannot be read", file.string());
  return text;
}

std::uint64_t first_sequence_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string line;
  std::getline(stream, line);
  const auto first = read_audit_line(line);
  return first ? first->sequence : 0;
}

/// Of a file without any line, whose log may have begun in an older one.
AuditTail tail_of_older(const fs::path& folder) {
  const std::vector<fs::path> full = full_audit_files(folder);
  if (full.empty()) return {.hash = std::string(kNoHash)};
  const std::uintmax_t size = fs::file_size(full.back());
  const auto last = last_whole_line(read_from(full.back(), size - std::min(size, kTailBytes)));
  if (!last) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: none of its last lines is as hwnasd wrote it; see who changed it, move it "
                "away, and start again",
                full.back().string());
  }
  return {.sequence = last->line.sequence, .hash = last->line.hash};
}

void cut_off(const fs::path& folder, std::string_view text, std::uintmax_t size,
             std::uint64_t sequence) {
  // The copy first: whoever looks into it later finds all that there was.
  write_file_atomically(folder / fmt::format("{}.cut.{}", kAuditFile, sequence), text);
  fs::resize_file(folder / kAuditFile, size - text.size());
}

}  // namespace

fs::path full_audit_file(const fs::path& folder, std::uint64_t first_sequence) {
  return folder / fmt::format("{}.{:0{}}", kAuditFile, first_sequence, kDigits);
}

std::vector<fs::path> full_audit_files(const fs::path& folder) {
  const std::string start = std::string(kAuditFile) + ".";
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(start) && name.size() == start.size() + kDigits &&
        parse_integer(name.substr(start.size()))) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

void remove_old_audit_files(const fs::path& folder, int keep) {
  const std::vector<fs::path> files = full_audit_files(folder);
  std::error_code ignored;
  for (std::size_t i = 0; i + static_cast<std::size_t>(keep) < files.size(); ++i) {
    fs::remove(files[i], ignored);
  }
}

AuditTail mend_audit_tail(const fs::path& folder) {
  const fs::path file = folder / kAuditFile;
  const std::uintmax_t size = fs::exists(file) ? fs::file_size(file) : 0;
  const std::string text = size == 0 ? "" : read_from(file, size - std::min(size, kTailBytes));
  const auto last = last_whole_line(text);
  if (!last && size > kTailBytes) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: none of its last lines is as hwnasd wrote it; see who changed it, move it "
                "away, and start again",
                file.string());
  }
  AuditTail tail = last ? AuditTail{last->line.sequence, last->line.hash, first_sequence_of(file)}
                        : tail_of_older(folder);
  const std::string_view rest = std::string_view(text).substr(last ? last->end : 0);
  tail.cut_bytes = rest.size();
  if (!rest.empty()) cut_off(folder, rest, size, tail.sequence + 1);
  return tail;
}

}  // namespace hwnas::service
