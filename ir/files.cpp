#include "ir/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"

namespace hwnas::ir {

namespace {

Error system_error(const std::filesystem::path& file, std::string_view doing) {
  const int reason = errno;
  const bool full = reason == ENOSPC || reason == EDQUOT;
  return error(full ? ErrorCode::kResourceExhausted : ErrorCode::kFailedPrecondition,
               "{}: cannot {}: {}", file.string(), doing, std::strerror(reason));
}

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_and_sync(const std::filesystem::path& file, std::string_view bytes) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) throw system_error(file, "open for writing");
  const Descriptor descriptor(fd);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_error(file, "write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) throw system_error(file, "sync");
}

// A rename is durable only once the folder that holds the name is synced as well.
void sync_folder_of(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) throw system_error(folder, "open");
  const Descriptor descriptor(fd);
  if (::fsync(fd) != 0) throw system_error(folder, "sync");
}

}  // namespace

void write_file_atomically(const std::filesystem::path& file, std::string_view bytes) {
  const std::filesystem::path partial = file.string() + ".partial";
  try {
    write_and_sync(partial, bytes);
    if (std::rename(partial.c_str(), file.c_str()) != 0) throw system_error(file, "rename to it");
  } catch (const Error&) {
    ::unlink(partial.c_str());
    throw;
  }
  sync_folder_of(file);
}

std::string read_file(const std::filesystem::path& file, std::uintmax_t max_bytes) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    throw error(ErrorCode::kNotFound, "{}: cannot open: {}", file.string(), std::strerror(errno));
  }
  const Descriptor descriptor(fd);
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw system_error(file, "stat");
  if (!S_ISREG(status.st_mode)) throw invalid_argument("{}: not a plain file", file.string());
  const auto size = static_cast<std::uintmax_t>(status.st_size);
  if (size > max_bytes) {
    throw invalid_argument("{}: {} bytes, but at most {} are read", file.string(), size, max_bytes);
  }
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(fd, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error(file, "read");
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace hwnas::ir
