#pragma once

#include <filesystem>
#include <utility>

namespace hwnas::engine {

/// The right to write a run's folder: flock on the folder itself, so that nothing is left behind
/// when a process dies. Movable.
class RunLock {
 public:
  /// Throws FailedPrecondition if another process (or another RunLock) has the folder, NotFound if
  /// there is no such folder.
  explicit RunLock(const std::filesystem::path& folder);
  RunLock(RunLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  RunLock& operator=(RunLock&&) = delete;
  ~RunLock();

 private:
  int descriptor_ = -1;
};

/// True if some process holds a RunLock on the folder now.
bool is_locked(const std::filesystem::path& folder);

}  // namespace hwnas::engine
