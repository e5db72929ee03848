#include "service/server_parts.hpp"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/auth_context.h>

namespace hwnas::service {

void admit(const ServerParts& parts, std::string_view method, const Credentials& credentials,
           const std::string& tenant) {
  parts.authorization.require(method, credentials, tenant);
  parts.rates.count(tenant);
}

Credentials credentials_of(const grpc::ServerContextBase& context) {
  constexpr std::string_view kScheme = "Bearer ";
  Credentials credentials;
  const auto [first, last] = context.client_metadata().equal_range("authorization");
  for (auto entry = first; entry != last; ++entry) {
    const std::string_view value(entry->second.data(), entry->second.size());
    if (value.starts_with(kScheme)) {
      credentials.bearer_token = std::string(value.substr(kScheme.size()));
    }
  }
  const auto peer = context.auth_context();
  if (peer && peer->IsPeerAuthenticated()) {
    for (const auto& uri : peer->FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME)) {
      credentials.certificate_uris.emplace_back(uri.data(), uri.size());
    }
  }
  return credentials;
}

}  // namespace hwnas::service
