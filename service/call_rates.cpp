#include "service/call_rates.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "service/quota.hpp"

namespace hwnas::service {
namespace {

constexpr double kBurstSeconds = 2;
// Of the operator, who may name any tenant, at least.
constexpr std::size_t kManyTenants = 10'000;

}  // namespace

void CallRates::count(const std::string& tenant, Clock::time_point now) {
  if (rate_ == 0) return;
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= kManyTenants) forget_full(now);
  Bucket& bucket = buckets_.try_emplace(tenant, Bucket{rate_ * kBurstSeconds, now}).first->second;
  bucket = {filled(bucket, now), now};
  if (bucket.calls < 1) {
    throw QuotaExceeded(tenant,
                        fmt::format("more than {:g} calls a second; call less often", rate_),
                        std::chrono::seconds(1));
  }
  bucket.calls -= 1;
}

double CallRates::filled(const Bucket& bucket, Clock::time_point now) const {
  const std::chrono::duration<double> passed = now - bucket.filled;
  return std::min(rate_ * kBurstSeconds, bucket.calls + rate_ * passed.count());
}

/// As good as new ones.
void CallRates::forget_full(Clock::time_point now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    return filled(entry.second, now) >= rate_ * kBurstSeconds;
  });
}

}  // namespace hwnas::service
