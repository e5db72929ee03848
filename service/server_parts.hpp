#pragma once

#include <grpcpp/server_context.h>

#include <filesystem>
#include <string>

#include "service/authorization.hpp"
#include "service/job_store.hpp"
#include "service/submission.hpp"
#include "service/worker_pool.hpp"

namespace hwnas::service {

/// What the handlers of calls work with; all of it outlives the server.
struct ServerParts {
  Store& store;
  JobStore& jobs;
  const Datasets& datasets;
  const Authorization& authorization;
  WorkerPool& pool;
  std::filesystem::path folder;      ///< of the daemon's data
  int max_unfinished_of_tenant = 0;  ///< jobs; 0: no limit
};

/// The bearer token and the verified certificate's URIs of a call.
Credentials credentials_of(const grpc::CallbackServerContext& context);

}  // namespace hwnas::service
