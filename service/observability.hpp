#pragma once

#include <grpcpp/server_builder.h>

#include <memory>
#include <optional>

#include "service/audit_log.hpp"
#include "service/daemon_options.hpp"
#include "service/job_reader.hpp"
#include "service/metrics.hpp"
#include "service/page.hpp"
#include "service/page_data.hpp"
#include "service/rpc_observer.hpp"
#include "service/watch.hpp"

namespace hwnas::service {

/// All that shows from outside how a daemon does: metrics, the log of calls, the audit log, and the
/// page if there is to be one (docs/operations.md).
class Observability {
 public:
  /// What is looked at; it all outlives this object.
  struct Subjects {
    Metrics& metrics;  ///< made before the store, which reports its commits there
    const Store& store;
    const JobReader& jobs;
    const Watchers& watchers;
    const Authorization& authorization;
  };
  /// Throws what AuditLog and Page throw.
  Observability(const DaemonOptions& options, const Subjects& subjects);

  /// The server that is built then is observed; this object outlives it.
  void observe(grpc::ServerBuilder& builder) { calls_.observe(builder); }

 private:
  AuditLog audit_;
  RpcObserver calls_;
  std::optional<PageData> page_data_;
  std::optional<Page> page_;
};

}  // namespace hwnas::service
