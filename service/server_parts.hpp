#pragma once

#include <grpcpp/server_context.h>

#include <filesystem>
#include <string>

#include "service/authorization.hpp"
#include "service/call_rates.hpp"
#include "service/device_models.hpp"
#include "service/job_store.hpp"
#include "service/network_quota.hpp"
#include "service/quota.hpp"
#include "service/submission.hpp"
#include "service/worker_pool.hpp"

namespace hwnas::service {

/// What the handlers of calls work with; all of it outlives the server.
struct ServerParts {
  Store& store;
  JobStore& jobs;
  const Datasets& datasets;
  const Authorization& authorization;
  CallRates& rates;
  WorkerPool& pool;
  WorkerPool& checks;  ///< of lower priority: for what takes long to judge before it is accepted
  Devices& devices;
  std::filesystem::path folder;  ///< of the daemon's data
  TenantQuota quota;
  NetworkQuota networks;
};

/// Throws what Authorization::require and CallRates::count throw.
void admit(const ServerParts& parts, std::string_view method, const Credentials& credentials,
           const std::string& tenant);

/// The bearer token and the verified certificate's URIs of a call.
Credentials credentials_of(const grpc::ServerContextBase& context);

}  // namespace hwnas::service
