#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace hwnas::service {

/// The bytes of an upload, open for appending. Movable; for one thread at a time.
class UploadFile {
 public:
  /// Makes the file if need be. What a crash has left behind `committed_bytes` is cut off. Throws
  /// ResourceExhausted (disk full) or Unavailable (the disk, or bytes that were committed are not
  /// there).
  UploadFile(std::filesystem::path file, std::int64_t committed_bytes);
  UploadFile(UploadFile&& other) noexcept
      : file_(std::move(other.file_)),
        descriptor_(std::exchange(other.descriptor_, -1)),
        size_(other.size_) {}
  UploadFile& operator=(UploadFile&&) = delete;
  ~UploadFile();

  std::int64_t size() const { return size_; }
  /// Throws as the constructor, after a part of the bytes perhaps.
  void append(std::string_view bytes);
  /// Returns when the disk has all. Throws as the constructor: nothing is known then of what was
  /// appended since the last sync, and it is to be cut off.
  void sync();
  /// Leaves the first `size` bytes. Throws as the constructor.
  void cut(std::int64_t size);
  std::string sha256() const;

 private:
  explicit UploadFile(std::filesystem::path file);
  [[noreturn]] void fail() const;

  std::filesystem::path file_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace hwnas::service
