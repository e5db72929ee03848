#include "service/upload_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/sha256.hpp"

namespace hwnas::service {
namespace {

/// So that a new file is found after a loss of power.
bool sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  return synced;
}

}  // namespace

UploadFile::UploadFile(std::filesystem::path file)
    : file_(std::move(file)),
      descriptor_(::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {
  if (descriptor_ < 0) fail();
}

UploadFile::UploadFile(std::filesystem::path file, std::int64_t committed_bytes)
    : UploadFile(std::move(file)) {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail();
  if (status.st_size < committed_bytes) {
    throw error(ErrorCode::kUnavailable,
                "the upload has {} bytes on the disk instead of {}: has somebody changed the "
                "daemon's folder? Delete it and upload the file again",
                static_cast<std::int64_t>(status.st_size), committed_bytes);
  }
  if (status.st_size > committed_bytes) cut(committed_bytes);
  if (committed_bytes == 0 && !sync_folder(file_.parent_path())) fail();
  size_ = committed_bytes;
}

UploadFile::~UploadFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void UploadFile::fail() const {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  throw error(full ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
              "the daemon's disk cannot take the upload: {}; go on from committed_bytes when it "
              "can again",
              std::strerror(reason));
}

void UploadFile::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), size_);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail();
    size_ += written;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void UploadFile::sync() {
  if (::fdatasync(descriptor_) != 0) fail();
}

void UploadFile::cut(std::int64_t size) {
  if (::ftruncate(descriptor_, size) != 0) fail();
  size_ = size;
}

std::string UploadFile::sha256() const {
  return sha256_of_file(file_);
}

}  // namespace hwnas::service
