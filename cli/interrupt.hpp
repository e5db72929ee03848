#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace hwnas::cli {

/// SIGINT (Ctrl-C) and SIGTERM for as long as this object lives. The first one requests a stop and
/// calls `on_first` (on a thread of this object's, never in the signal handler); the second ends
/// the process at once with exit code 130, as if killed: what the store holds stays. At most one
/// object at a time.
class InterruptGuard {
 public:
  explicit InterruptGuard(std::function<void()> on_first);
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread listener_;
};

}  // namespace hwnas::cli
