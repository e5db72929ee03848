#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace hwnas::client {

/// A file that grows at its end until it is whole and gets its name. Stays as it is if the object
/// goes before. Throws NotFound, ResourceExhausted (disk full, quota) or FailedPrecondition, naming
/// the file.
class PartialFile {
 public:
  /// Opens `partial` or makes it.
  PartialFile(std::filesystem::path partial, std::filesystem::path file);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  std::int64_t size() const { return size_; }
  void append(std::string_view bytes);
  /// Starts over.
  void clear();
  /// Gives it its name when its bytes are on the disk.
  void finish();

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::filesystem::path partial_;
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::int64_t size_ = 0;
};

}  // namespace hwnas::client
