#include "client/channel.hpp"

#include <grpcpp/grpcpp.h>

#include "core/file.hpp"
#include "measurement/agent_protocol.hpp"

namespace hwnas::client {
namespace {

constexpr std::uintmax_t kMaxPemBytes = 1 << 20;
constexpr int kKeepaliveMs = 20'000;  // hwnasd allows a ping every 10 s
constexpr int kKeepaliveTimeoutMs = 10'000;

std::string pem(const std::filesystem::path& file) {
  return file.empty() ? "" : read_file(file, kMaxPemBytes);
}

std::shared_ptr<grpc::ChannelCredentials> credentials_for(const Connection& connection) {
  const bool certificates =
      !connection.tls_authority.empty() || !connection.tls_certificate.empty();
  if (!certificates && measurement::is_loopback(connection.server)) {
    return grpc::InsecureChannelCredentials();
  }
  return grpc::SslCredentials({.pem_root_certs = pem(connection.tls_authority),
                               .pem_private_key = pem(connection.tls_key),
                               .pem_cert_chain = pem(connection.tls_certificate)});
}

}  // namespace

std::shared_ptr<grpc::Channel> open_channel(const Connection& connection,
                                            const RetryPolicy& policy) {
  measurement::silence_grpc();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // Otherwise gRPC would still wait to connect when the next try is due.
  const auto first = static_cast<int>(policy.first_delay.count());
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, first);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(policy.max_delay.count()));
  // Connections are not shared with other channels, whose backoff would be theirs.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  if (measurement::is_loopback(connection.server)) {
    arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  }
  return grpc::CreateCustomChannel(connection.server, credentials_for(connection), arguments);
}

}  // namespace hwnas::client
