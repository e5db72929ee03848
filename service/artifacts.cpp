#include "service/artifacts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "engine/store.hpp"
#include "service/compression_results.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReport = "report.html";

JobArtifact artifact(const JobName& job, std::string format, std::string file, std::string sha256,
                     std::int64_t bytes) {
  JobArtifact result;
  result.message.set_name(fmt::format("{}/artifacts/{}", job.text(), format));
  result.message.set_format(std::move(format));
  result.message.set_file_name(fs::path(file).filename().string());
  result.message.set_size_bytes(bytes);
  result.message.set_sha256(std::move(sha256));
  result.file = std::move(file);
  return result;
}

bool is_done(const std::vector<engine::StageRecord>& stages, engine::Stage stage) {
  return std::ranges::any_of(
      stages, [&](const auto& record) { return record.stage == stage && record.done; });
}

}  // namespace

std::vector<JobArtifact> artifacts_of(const fs::path& run, const JobName& job) {
  if (job.kind == JobKind::kCompression) return compression_artifacts(run, job);
  std::vector<JobArtifact> result;
  if (!engine::holds_run(run)) return result;
  const engine::StoreReader store(run);
  for (const auto& exported : store.artifacts()) {
    result.push_back(artifact(job, exported.format, exported.file, exported.sha256,
                              static_cast<std::int64_t>(exported.bytes)));
  }
  if (!is_done(store.stages(), engine::Stage::kReport)) return result;
  for (const auto& finalist : store.finalists()) {
    if (!finalist.chosen || finalist.weights_file.empty()) continue;
    const std::int64_t bytes = FileBeneath(run, finalist.weights_file).size();
    result.push_back(
        artifact(job, "weights", finalist.weights_file, finalist.weights_sha256, bytes));
  }
  const std::int64_t bytes = FileBeneath(run, kReport).size();
  result.push_back(artifact(job, "report", kReport, sha256_of_file(run / kReport), bytes));
  return result;
}

FileBeneath::FileBeneath(const fs::path& folder, const std::string& name) {
  const int base = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;  // a pipe must not hold the caller
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const long opened = ::syscall(SYS_openat2, base, name.c_str(), &how, sizeof(how));
  const int failure = errno;
  if (base >= 0) ::close(base);
  if (opened < 0 && failure == ENOSYS) {
    throw error(ErrorCode::kUnavailable,
                "'{}': this system, or the sandbox of hwnasd, has no openat2(2); allow it", name);
  }
  struct stat status {};
  if (opened >= 0) descriptor_ = static_cast<int>(opened);
  if (opened < 0 || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw error(ErrorCode::kNotFound, "'{}': no such file ({})", name,
                opened < 0 ? std::strerror(failure) : "not a plain file");
  }
}

FileBeneath::~FileBeneath() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::int64_t FileBeneath::size() const {
  struct stat status {};
  ::fstat(descriptor_, &status);
  return status.st_size;
}

std::string FileBeneath::read(std::int64_t offset, std::size_t max_bytes) const {
  std::string bytes(max_bytes, '\0');
  ssize_t count = -1;
  do {
    count = ::pread(descriptor_, bytes.data(), bytes.size(), offset);
  } while (count < 0 && errno == EINTR);
  if (count < 0) {
    throw error(ErrorCode::kUnavailable, "the file cannot be read: {}", std::strerror(errno));
  }
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

}  // namespace hwnas::service
