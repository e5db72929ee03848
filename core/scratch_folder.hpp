#pragma once

#include <filesystem>

namespace hwnas {

/// An empty folder that goes with the object, in `parent` or, if that is empty, in the system's
/// folder for such. Throws ResourceExhausted if none can be made.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::filesystem::path& parent = {});
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace hwnas
