#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace hwnas::service {

/// Holds each tenant to a number of calls a second (token bucket: two seconds' worth at once).
/// Thread-safe.
class CallRates {
 public:
  using Clock = std::chrono::steady_clock;

  /// `calls_per_second` 0: no limit.
  explicit CallRates(double calls_per_second) : rate_(calls_per_second) {}

  /// Counts a call. Throws QuotaExceeded if it is one too many.
  void count(const std::string& tenant, Clock::time_point now = Clock::now());

 private:
  struct Bucket {
    double calls = 0;
    Clock::time_point filled;
  };
  void forget_full(Clock::time_point now);
  double filled(const Bucket& bucket, Clock::time_point now) const;

  const double rate_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace hwnas::service
