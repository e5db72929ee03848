#pragma once

#include <chrono>
#include <optional>

#include "core/rng.hpp"

namespace hwnas::client {

/// When a call that hwnasd could not be reached for is made again.
struct RetryPolicy {
  std::chrono::milliseconds first_delay{100};
  std::chrono::milliseconds max_delay{2'000};
  /// No further try later than this after the first one.
  std::chrono::milliseconds give_up_after{5'000};
  /// Likewise of a stream that has been open before: a daemon's machine may be starting again.
  std::chrono::milliseconds give_up_stream_after{600'000};
  std::chrono::milliseconds deadline{30'000};  ///< of each try of a unary call
};

/// Exponential delays, each drawn from the upper half of its range so that clients which were cut
/// off together do not come back together.
class Backoff {
 public:
  using Clock = std::chrono::steady_clock;

  /// `seed` of the draws.
  Backoff(const RetryPolicy& policy, std::chrono::milliseconds give_up_after, std::uint64_t seed);

  /// How long to wait before the next try, at least `at_least` (what the server asked for); nothing
  /// if that would be too late.
  std::optional<std::chrono::milliseconds> next(std::chrono::milliseconds at_least,
                                                Clock::time_point now = Clock::now());

 private:
  RetryPolicy policy_;
  std::chrono::milliseconds give_up_after_;
  std::chrono::milliseconds delay_;
  std::optional<Clock::time_point> first_failure_;
  Rng rng_;
};

/// Differs from call to call and from process to process.
std::uint64_t random_seed();

}  // namespace hwnas::client
