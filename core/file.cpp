#include "core/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

std::string name_of(const fs::path& file) {
  return one_line(file.string());
}

Error system_error(const fs::path& file, std::string_view doing) {
  const int reason = errno;
  ErrorCode code = ErrorCode::kFailedPrecondition;
  if (reason == ENOENT || reason == ENOTDIR) code = ErrorCode::kNotFound;
  if (reason == ENOSPC || reason == EDQUOT) code = ErrorCode::kResourceExhausted;
  return error(code, "{}: cannot {}: {}", name_of(file), doing, std::strerror(reason));
}

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor(const fs::path& file, int flags, std::string_view doing)
      : fd_(::open(file.c_str(), flags | O_CLOEXEC, 0644)) {
    if (fd_ < 0) throw system_error(file, doing);
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_and_sync(const fs::path& file, std::string_view bytes) {
  const Descriptor descriptor(file, O_WRONLY | O_CREAT | O_TRUNC, "open for writing");
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_error(file, "write");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(descriptor.get()) != 0) throw system_error(file, "sync");
}

// A rename is durable only once the folder that holds the name is synced as well.
void sync_folder_of(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  const Descriptor descriptor(folder, O_RDONLY | O_DIRECTORY, "open");
  if (::fsync(descriptor.get()) != 0) throw system_error(folder, "sync");
}

/// The length of an open file, which must be plain and have at most `max_bytes`.
std::size_t checked_size(const Descriptor& descriptor, const fs::path& file,
                         std::uintmax_t max_bytes) {
  struct stat status {};
  if (::fstat(descriptor.get(), &status) != 0) throw system_error(file, "stat");
  if (!S_ISREG(status.st_mode)) throw invalid_argument("{}: not a plain file", name_of(file));
  const auto size = static_cast<std::uintmax_t>(status.st_size);
  if (size > max_bytes) {
    throw invalid_argument("{}: {} bytes, but at most {} are read", name_of(file), size, max_bytes);
  }
  return size;
}

struct InflateEnd {
  void operator()(z_stream* stream) const { ::inflateEnd(stream); }
};

/// Unpacks gzip data of one or more members (RFC 1952, section 2.2).
std::string unpack(std::string_view packed, const fs::path& file, std::uintmax_t max_bytes) {
  z_stream stream{};
  // 16 + 15: a gzip header is required, with the largest window.
  if (::inflateInit2(&stream, 16 + 15) != Z_OK) {
    throw error(ErrorCode::kInternal, "{}: cannot start zlib", name_of(file));
  }
  const std::unique_ptr<z_stream, InflateEnd> end(&stream);
  std::string out;
  std::string chunk(256 * 1024, '\0');
  // zlib counts input in 32 bits.
  constexpr std::size_t kMaxInput = std::size_t{1} << 30;
  while (true) {
    const std::size_t given = std::min(packed.size(), kMaxInput);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream.avail_in = static_cast<uInt>(given);
    stream.next_out = reinterpret_cast<Bytef*>(chunk.data());
    stream.avail_out = static_cast<uInt>(chunk.size());
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    packed.remove_prefix(given - stream.avail_in);
    const std::size_t made = chunk.size() - stream.avail_out;
    if (out.size() + made > max_bytes) {
      throw invalid_argument("{}: unpacks to more than {} bytes", name_of(file), max_bytes);
    }
    out.append(chunk, 0, made);
    if (status == Z_STREAM_END) {
      if (packed.empty()) return out;
      ::inflateReset(&stream);
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      throw invalid_argument("{}: corrupt gzip data after {} unpacked bytes", name_of(file),
                             out.size());
    } else if (packed.empty() && stream.avail_out > 0) {
      throw invalid_argument("{}: truncated gzip data, it ends after {} unpacked bytes",
                             name_of(file), out.size());
    }
  }
}

}  // namespace

std::string read_file(const fs::path& file, std::uintmax_t max_bytes) {
  // Without O_NONBLOCK, opening a pipe would wait for its writer.
  const Descriptor descriptor(file, O_RDONLY | O_NONBLOCK, "open");
  std::string bytes(checked_size(descriptor, file, max_bytes), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(descriptor.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw system_error(file, "read");
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

std::string read_unpacked_file(const fs::path& file, std::uintmax_t max_bytes) {
  std::string bytes = read_file(file, max_bytes);
  return bytes.starts_with("\x1f\x8b") ? unpack(bytes, file, max_bytes) : bytes;
}

void write_file_atomically(const fs::path& file, std::string_view bytes) {
  const fs::path partial = file.string() + ".partial";
  try {
    write_and_sync(partial, bytes);
    if (::rename(partial.c_str(), file.c_str()) != 0) throw system_error(file, "replace");
  } catch (const Error&) {
    ::unlink(partial.c_str());
    throw;
  }
  sync_folder_of(file);
}

}  // namespace hwnas
