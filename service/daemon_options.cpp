#include "service/daemon_options.hpp"

#include <fmt/format.h>
#include <sys/un.h>

#include "core/error.hpp"
#include "measurement/agent_protocol.hpp"

namespace hwnas::service {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::size_t kMaxSocketPathBytes = sizeof(sockaddr_un::sun_path) - 1;

bool has_certificates(const DaemonOptions& options) {
  const int given = int(!options.tls_certificate.empty()) + int(!options.tls_key.empty()) +
                    int(!options.tls_client_authority.empty());
  if (given != 0 && given != 3) {
    throw invalid_argument(
        "certificate, key and the clients' authority belong together: give --tls-cert, --tls-key "
        "and --tls-client-ca, or none of them");
  }
  return given == 3;
}

}  // namespace

std::string checked_address(const DaemonOptions& options) {
  const bool certificates = has_certificates(options);
  const std::string address =
      options.listen.empty() ? fmt::format("unix:{}", (options.folder / "hwnasd.sock").string())
                             : options.listen;
  if (address.starts_with(kUnix)) {
    if (address.size() - kUnix.size() > kMaxSocketPathBytes) {
      throw invalid_argument(
          "{}: a socket's path has at most {} bytes; give --listen unix:PATH "
          "with a shorter one",
          address, kMaxSocketPathBytes);
    }
    return address;
  }
  if (measurement::is_loopback(address)) {
    if (options.tokens.empty() && !certificates) {
      throw invalid_argument(
          "{}: every user of this machine could connect; give --tokens FILE, or listen on a Unix "
          "socket (--listen unix:PATH)",
          address);
    }
    return address;
  }
  if (!certificates) {
    throw invalid_argument(
        "{}: others can reach it; give --tls-cert, --tls-key and --tls-client-ca, or listen on "
        "127.0.0.1 and come by an ssh tunnel",
        address);
  }
  return address;
}

}  // namespace hwnas::service
