#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace hwnas::client {

/// Where a hwnasd is, and who calls it.
struct Connection {
  std::string server = {};  ///< "unix:PATH" or "HOST:PORT"
  std::string tenant = {};  ///< its id
  std::string token = {};   ///< a bearer token; empty: none
  /// PEM files. The authority that the daemon's certificate must be signed by; empty: the system's.
  /// With any of these, and for every server that is not on this machine, all is encrypted.
  std::filesystem::path tls_authority = {};
  std::filesystem::path tls_certificate = {};  ///< the client's, with its key; or neither
  std::filesystem::path tls_key = {};
};

/// What a command line says of a connection; what is empty it leaves open.
struct ConnectionFlags {
  std::string server = {};
  std::string tenant = {};
  std::filesystem::path token_file = {};
  std::filesystem::path tls_authority = {};
  std::filesystem::path tls_certificate = {};
  std::filesystem::path tls_key = {};
};

/// The value of an environment variable that is set and not empty.
using Environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);

/// Each setting from the first that gives it: the flags, the environment (HWNAS_SERVER,
/// HWNAS_TENANT, HWNAS_TOKEN), the file hwnas/config.yaml in XDG_CONFIG_HOME [~/.config], and the
/// default: tenant "default", and of the sockets of a user's own daemon (hwnas/hwnasd.sock in
/// XDG_STATE_HOME [~/.local/state]) and of the system's (/var/lib/hwnas/hwnasd.sock) the first that
/// exists. Token and certificates of the file are meant for the file's server, if it names one, and
/// never go to another.
/// Throws InvalidArgument, naming the place and what to do, for addresses and ids that are none,
/// files that others may read though they hold a token, and keys that the file cannot have;
/// NotFound for files that do not exist; Unavailable if no server is given and none of the sockets
/// exists.
Connection resolve_connection(const ConnectionFlags& flags,
                              const Environment& environment = process_environment);

}  // namespace hwnas::client
