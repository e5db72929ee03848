#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "service/daemon_options.hpp"

namespace hwnas::service {

/// hwnasd: the store of jobs, the supervisor that runs them, and the gRPC server in front. The
/// signals SIGTERM and SIGINT are the caller's to wait for.
class Daemon {
 public:
  /// Serves when it returns. `on_fatal`: see JobStoreOptions; the process should end at once.
  /// Throws InvalidArgument (options), FailedPrecondition (the folder is served already, or its
  /// store is damaged), Unavailable (the address is in use), and what files of options lead to.
  Daemon(const DaemonOptions& options, std::function<void(const Error&)> on_fatal);
  /// Ends in order: no new calls, running jobs store what they have found, streams end with
  /// UNAVAILABLE.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Where it listens: "127.0.0.1:50151", "unix:/run/hwnasd.sock".
  const std::string& address() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace hwnas::service
