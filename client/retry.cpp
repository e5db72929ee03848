#include "client/retry.hpp"

#include <algorithm>
#include <random>

namespace hwnas::client {

using std::chrono::milliseconds;

Backoff::Backoff(const RetryPolicy& policy, milliseconds give_up_after, std::uint64_t seed)
    : policy_(policy), give_up_after_(give_up_after), delay_(policy.first_delay), rng_(seed) {}

std::optional<milliseconds> Backoff::next(milliseconds at_least, Clock::time_point now) {
  if (!first_failure_) first_failure_ = now;
  const milliseconds drawn(static_cast<milliseconds::rep>(static_cast<double>(delay_.count()) *
                                                          (0.5 + 0.5 * rng_.uniform())));
  const milliseconds wait = std::max(drawn, at_least);
  // First, since a sum with what a server asks for may not fit.
  if (wait > give_up_after_ || now + wait > *first_failure_ + give_up_after_) return std::nullopt;
  delay_ = std::min(2 * delay_, policy_.max_delay);
  return wait;
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace hwnas::client
