#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace hwnas::service {

/// Bounds how many lines strangers can make a log grow by: so many at once, and so many a second
/// after that (a token bucket). Thread-safe.
class LogBudget {
 public:
  using Clock = std::chrono::steady_clock;

  LogBudget(double at_once, double per_second)
      : at_once_(at_once), per_second_(per_second), left_(at_once) {}

  /// Whether a line may be written: then the number of those that could not be since the last one
  /// that could.
  std::optional<std::uint64_t> take(Clock::time_point now = Clock::now()) {
    const std::lock_guard lock(mutex_);
    const std::chrono::duration<double> passed = now - last_;
    if (passed.count() > 0) left_ = std::min(at_once_, left_ + per_second_ * passed.count());
    last_ = std::max(last_, now);
    if (left_ < 1) {
      ++suppressed_;
      return std::nullopt;
    }
    left_ -= 1;
    return std::exchange(suppressed_, 0);
  }

 private:
  const double at_once_;
  const double per_second_;
  std::mutex mutex_;
  double left_;
  Clock::time_point last_{};
  std::uint64_t suppressed_ = 0;
};

}  // namespace hwnas::service
