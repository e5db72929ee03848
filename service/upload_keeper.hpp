#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "service/upload_store.hpp"

namespace hwnas::service {

/// Removes the files of uploads that the store has forgotten, and lets it forget those that nobody
/// needs; on a thread of its own.
class UploadKeeper {
 public:
  /// Begins with what a crash has left. `uploads` outlives it.
  UploadKeeper(UploadStore& uploads, std::filesystem::path data_folder,
               std::chrono::milliseconds look_every = std::chrono::minutes(10));
  ~UploadKeeper();
  UploadKeeper(const UploadKeeper&) = delete;
  UploadKeeper& operator=(const UploadKeeper&) = delete;

  /// That uploads have been forgotten. Thread-safe and quick.
  void notify();

 private:
  using Clock = std::chrono::steady_clock;

  void serve();
  void age();
  void sweep() const;

  UploadStore& uploads_;
  const std::filesystem::path folder_;
  const std::chrono::milliseconds look_every_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool wanted_ = true;  // guarded by mutex_, as is closing_
  bool closing_ = false;
  Clock::time_point aged_ = Clock::now();  // the thread's own
  std::thread thread_;
};

}  // namespace hwnas::service
