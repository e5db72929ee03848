#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "measurement/runner.hpp"

namespace hwnas::measurement {

/// What an agent lets its clients do.
struct AgentOptions {
  std::string address = "127.0.0.1:50151";  ///< port 0: any free one
  std::string token;
  std::string tls_certificate;        ///< PEM; with tls_key, connections are encrypted
  std::string tls_key;                ///< PEM
  bool insecure_listen = false;       ///< accept an address that others can reach, without TLS
  std::filesystem::path work_folder;  ///< files of the job in hand; empty: the system's
  std::uint64_t max_artifact_bytes = std::uint64_t{256} << 20;
  std::chrono::seconds upload_limit{120};
  std::chrono::seconds job_limit{3600};
};

/// Serves hwnas.v1.Agent: measures what clients send by a runner, one job at a time. What a client
/// sends is run here, so the token is worth as much as a login.
class AgentServer {
 public:
  /// Listens at once. `runner` must outlive the server. Throws InvalidArgument for an address that
  /// others can reach without TLS and insecure_listen, Unavailable if it cannot be listened on.
  AgentServer(AgentOptions options, Runner& runner);
  /// Stops the job in hand.
  ~AgentServer();
  AgentServer(const AgentServer&) = delete;
  AgentServer& operator=(const AgentServer&) = delete;

  int port() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace hwnas::measurement
