#include "client/connection.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/config.hpp"
#include "core/error.hpp"
#include "measurement/agent_protocol.hpp"

namespace hwnas::client {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultTenant = "default";
constexpr const char* kSocket = "hwnasd.sock";
constexpr const char* kSystemFolder = "/var/lib/hwnas";
constexpr std::int64_t kMaxPort = 65'535;

/// hwnas' folder in one of the XDG base directories; empty without a home.
fs::path xdg_folder(const Environment& environment, const char* variable, const char* below_home) {
  if (const auto folder = environment(variable)) return fs::path(*folder) / "hwnas";
  if (const auto home = environment("HOME")) return fs::path(*home) / below_home / "hwnas";
  return {};
}

void require_private(const fs::path& file) {
  constexpr auto kOthers = fs::perms::group_read | fs::perms::others_read;
  if ((fs::status(file).permissions() & kOthers) != fs::perms::none) {
    throw invalid_argument(
        "{}: it holds a token, and others may read it; change that: chmod 600 {}", file.string(),
        file.string());
  }
}

/// What the configuration file says; all empty if there is none.
class ConfigFile {
 public:
  explicit ConfigFile(const fs::path& file) {
    if (!fs::exists(file)) return;
    const Config config = Config::load(file);
    config.require_known_keys(
        {"server", "tenant", "token", "token_file", "tls_ca", "tls_cert", "tls_key"});
    values.server = config.string_or("server", "");
    values.tenant = config.string_or("tenant", "");
    values.token = config.string_or("token", "");
    if (!values.token.empty()) require_private(file);
    const auto path = [&](const char* key) {
      const std::string name = config.string_or(key, "");
      return name.empty() ? fs::path() : file.parent_path() / name;
    };
    token_file = path("token_file");
    if (!values.token.empty() && !token_file.empty()) {
      config.at("token_file").fail("give either 'token' or 'token_file'");
    }
    values.tls_authority = path("tls_ca");
    values.tls_certificate = path("tls_cert");
    values.tls_key = path("tls_key");
  }

  Connection values;
  fs::path token_file;
};

std::string default_server(const Environment& environment) {
  std::vector<std::string> sockets;
  if (const fs::path own = xdg_folder(environment, "XDG_STATE_HOME", ".local/state"); !own.empty())
    sockets.push_back((own / kSocket).string());
  sockets.push_back((fs::path(kSystemFolder) / kSocket).string());
  std::error_code denied;
  for (const std::string& socket : sockets) {
    if (fs::exists(socket, denied)) return "unix:" + socket;
  }
  throw error(ErrorCode::kUnavailable,
              "no hwnasd on this machine: there is no socket {}; start one, or say where it is by "
              "--server, HWNAS_SERVER or 'server' in the configuration file",
              fmt::join(sockets, " nor "));
}

void check_server(const std::string& server) {
  if (server.starts_with("unix:") && server.size() > 5) return;
  const std::size_t colon = server.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : parse_integer(std::string_view(server).substr(colon + 1));
  // A slash would be a scheme of gRPC's, which decides for itself what is on this machine.
  if (colon == 0 || !port || *port < 1 || *port > kMaxPort ||
      server.find('/') != std::string::npos) {
    throw invalid_argument("server {}: give HOST:PORT or unix:PATH", in_quotes(server));
  }
}

void check_tenant(const std::string& tenant) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._-").find(c) != std::string_view::npos;
  };
  if (tenant.size() > 63 || !std::ranges::all_of(tenant, fits) ||
      std::string_view("._-").find(tenant[0]) != std::string_view::npos) {
    throw invalid_argument(
        "tenant {}: give its id: 1 to 63 of a-z, 0-9, '.', '_', '-', the first a letter or digit",
        in_quotes(tenant));
  }
}

void check_token(const std::string& token) {
  const bool printable = std::ranges::all_of(token, [](char c) { return c > ' ' && c <= '~'; });
  if (!printable) throw invalid_argument("the token has characters that no token has");
}

template <typename T>
T first_of(const T& first, const T& second) {
  return first.empty() ? second : first;
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

Connection resolve_connection(const ConnectionFlags& flags, const Environment& environment) {
  const fs::path folder = xdg_folder(environment, "XDG_CONFIG_HOME", ".config");
  ConfigFile file(folder.empty() ? fs::path() : folder / "config.yaml");
  Connection result;
  result.server = first_of(flags.server, environment("HWNAS_SERVER").value_or(""));
  result.tenant = first_of(flags.tenant, environment("HWNAS_TENANT").value_or(""));
  result.tenant =
      first_of(result.tenant, first_of(file.values.tenant, std::string(kDefaultTenant)));
  if (!result.server.empty() && !file.values.server.empty() &&
      result.server != file.values.server) {
    file.values = {};
    file.token_file.clear();
  }
  result.server = first_of(result.server, file.values.server);
  if (result.server.empty()) result.server = default_server(environment);

  if (!flags.token_file.empty()) {
    result.token = measurement::read_token(flags.token_file);
  } else if (const auto token = environment("HWNAS_TOKEN")) {
    result.token = *token;
  } else if (!file.token_file.empty()) {
    result.token = measurement::read_token(file.token_file);
  } else {
    result.token = file.values.token;
  }
  result.tls_authority = first_of(flags.tls_authority, file.values.tls_authority);
  result.tls_certificate = first_of(flags.tls_certificate, file.values.tls_certificate);
  result.tls_key = first_of(flags.tls_key, file.values.tls_key);

  check_server(result.server);
  check_tenant(result.tenant);
  check_token(result.token);
  if (result.tls_certificate.empty() != result.tls_key.empty()) {
    throw invalid_argument(
        "a client's certificate and its key belong together: give --tls-cert and --tls-key, or "
        "neither");
  }
  return result;
}

}  // namespace hwnas::client
