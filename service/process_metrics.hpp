#pragma once

#include <prometheus/collectable.h>

#include <vector>

namespace hwnas::service {

/// What Prometheus' own libraries tell of a process, under their names: process_cpu_seconds_total,
/// process_resident_memory_bytes, process_virtual_memory_bytes, process_threads, process_open_fds,
/// process_max_fds, process_start_time_seconds; and hwnas_build_info{version, grpc, sqlite} = 1.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace hwnas::service
