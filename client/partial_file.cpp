#include "client/partial_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::client {

PartialFile::PartialFile(std::filesystem::path partial, std::filesystem::path file)
    : partial_(std::move(partial)), file_(std::move(file)) {
  descriptor_ =
      ::open(partial_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
  struct stat status {};
  if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0) fail("open for writing");
  size_ = status.st_size;
}

PartialFile::~PartialFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void PartialFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
    size_ += written;
  }
}

void PartialFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) fail("empty");
  size_ = 0;
}

void PartialFile::finish() {
  if (::fsync(descriptor_) != 0) fail("sync");
  if (std::rename(partial_.c_str(), file_.c_str()) != 0) fail("rename");
  // The name, too, shall survive a power cut.
  const int folder = ::open(file_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = folder >= 0 && ::fsync(folder) == 0;
  if (folder >= 0) ::close(folder);
  if (!synced) fail("sync the folder of");
}

void PartialFile::fail(const char* doing) const {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  const ErrorCode code = reason == ENOENT ? ErrorCode::kNotFound
                         : full           ? ErrorCode::kResourceExhausted
                                          : ErrorCode::kFailedPrecondition;
  throw error(code, "{}: cannot {}: {}", one_line(partial_.string()), doing, std::strerror(reason));
}

}  // namespace hwnas::client
