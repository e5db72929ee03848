#include "service/observability.hpp"

#include <nlohmann/json.hpp>

#include "service/job_metrics.hpp"
#include "service/log.hpp"
#include "service/process_metrics.hpp"

namespace hwnas::service {

Observability::Observability(const DaemonOptions& options, const Subjects& subjects)
    : audit_(options.folder), calls_(subjects.metrics, audit_, subjects.authorization) {
  Metrics& metrics = subjects.metrics;
  metrics.add(std::make_shared<JobMetrics>(subjects.store, options.folder));
  metrics.add(std::make_shared<TenantMetrics>(subjects.store), /*secret=*/true);
  metrics.add(std::make_shared<ProcessMetrics>());
  metrics.add("hwnas_watch_streams", "Open streams of WatchSearchJob",
              [&watchers = subjects.watchers] { return static_cast<double>(watchers.size()); });
  metrics.add("hwnas_audit_lost_total", "Lines of the audit log that did not fit into memory",
              [this] { return static_cast<double>(audit_.lost()); });
  if (options.page.empty()) return;
  page_data_.emplace(subjects.store, subjects.jobs, options.folder);
  page_.emplace(options.page, options.folder, metrics, *page_data_, subjects.authorization);
  log_event("page", {{"url", "http://" + page_->address() + "/"},
                     {"key_file", (options.folder / kPageKeyFile).string()}});
}

}  // namespace hwnas::service
