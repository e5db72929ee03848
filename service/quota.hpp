#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "service/outcome.hpp"

namespace hwnas::service {

/// What one tenant may use; 0: as much as it likes.
struct TenantQuota {
  std::int64_t unfinished_jobs = 0;
  std::int64_t planned_trials = 0;      ///< of its unfinished jobs together
  std::int64_t cpu_seconds_of_day = 0;  ///< of its jobs' processes within 24 hours
  std::int64_t bytes = 0;               ///< of its jobs' files and its uploads
  std::int64_t studies = 0;
  std::int64_t study_trials = 0;  ///< of all its studies, deleted ones of these included
  int watch_streams = 0;          ///< open at the same time
  double calls_per_second = 0;    ///< of all methods; twice as many at once
};

/// A tenant's quota is used up (RESOURCE_EXHAUSTED with QuotaFailure and RetryInfo).
class QuotaExceeded : public Refusal {
 public:
  QuotaExceeded(std::string tenant, const std::string& message, std::chrono::seconds retry_after)
      : Refusal(ErrorCode::kResourceExhausted, "tenants/" + tenant + ": " + message),
        tenant_(std::move(tenant)),
        retry_after_(retry_after) {}
  const std::string& tenant() const noexcept { return tenant_; }
  std::chrono::seconds retry_after() const noexcept { return retry_after_; }

 private:
  std::string tenant_;
  std::chrono::seconds retry_after_;
};

}  // namespace hwnas::service
