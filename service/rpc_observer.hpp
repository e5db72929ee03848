#pragma once

#include <grpcpp/server_builder.h>

#include <memory>
#include <string>
#include <string_view>

#include "service/audit_log.hpp"
#include "service/authorization.hpp"
#include "service/metrics.hpp"

namespace hwnas::service {

/// Sees every call of a server, of all its services, where it comes in and where it ends:
///   - measures its time (Metrics::rpc_duration),
///   - gives it a request id: what the client has sent as metadata x-request-id, if that is 1 to
///   128
///     of a-z, A-Z, 0-9, '.', '_', ':' and '-', or else a new one; it goes back as trailing
///     metadata x-request-id,
///   - logs it ("rpc"): calls that went well at the level debug, what clients did wrong as info,
///     refusals as warning, faults of the daemon as error,
///   - audits it if it needs the right to write, or if it was refused for lack of a right or of
///     credentials, or because the resource is another tenant's.
/// Strangers can make neither log grow fast: what is too much is counted in the next line
/// ("suppressed").
class RpcObserver {
 public:
  /// All outlive the server.
  RpcObserver(Metrics& metrics, AuditLog& audit, const Authorization& authorization);
  ~RpcObserver();
  RpcObserver(const RpcObserver&) = delete;
  RpcObserver& operator=(const RpcObserver&) = delete;

  /// The server that is built then is observed; this object outlives it.
  void observe(grpc::ServerBuilder& builder);

  class Implementation;

 private:
  std::unique_ptr<Implementation> implementation_;
};

/// The id that a call goes by: the client's, or a new one.
std::string request_id_of(std::string_view sent);
/// Of a W3C traceparent ("00-<32 hexadecimal digits>-…"); empty if it is none.
std::string trace_id_of(std::string_view traceparent);

}  // namespace hwnas::service
