#pragma once

#include <prometheus/collectable.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "service/store.hpp"

namespace hwnas::service {

/// hwnas_jobs{state}, hwnas_queue_age_seconds and hwnas_store_wal_bytes as the store is now;
/// hwnas_jobs_total{state} (entries into a state) and hwnas_trials_total{state} (ends of trials)
/// since the daemon's start, counted in the event log when they are collected. Those of a job that
/// is deleted before are not counted.
class JobMetrics final : public prometheus::Collectable {
 public:
  /// `store`, in `folder`, outlives it.
  JobMetrics(const Store& store, std::filesystem::path folder);
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  void count_events() const;

  const Store& store_;
  const std::filesystem::path folder_;
  mutable std::mutex mutex_;
  mutable std::int64_t counted_ = 0;  // revision
  mutable std::map<std::string, std::int64_t> jobs_;
  mutable std::map<std::string, std::int64_t> trials_;
};

/// hwnas_tenant_jobs{tenant, state}. Nothing if there are more than 100 tenants: each would be a
/// series for ever.
class TenantMetrics final : public prometheus::Collectable {
 public:
  explicit TenantMetrics(const Store& store) : store_(store) {}
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Store& store_;
};

}  // namespace hwnas::service
