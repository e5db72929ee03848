#include "measurement/agent_protocol.hpp"

#include <grpc/support/log.h>
#include <openssl/crypto.h>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/sha256.hpp"

namespace hwnas::measurement {

void silence_grpc() {
  gpr_set_log_function([](gpr_log_func_args*) {});
}

std::string authorization(std::string_view token) {
  return fmt::format("Bearer {}", token);
}

bool is_same_secret(std::string_view a, std::string_view b) {
  // Digests have one length, so that not even the secret's shows.
  const std::string first = sha256(a);
  const std::string second = sha256(b);
  return CRYPTO_memcmp(first.data(), second.data(), first.size()) == 0;
}

std::string read_token(const std::filesystem::path& file) {
  constexpr std::size_t kFewestCharacters = 16;
  constexpr auto kOthers = std::filesystem::perms::group_read | std::filesystem::perms::others_read;
  std::string token = read_file(file, 4096);
  token.resize(std::min(token.find_first_of("\r\n"), token.size()));
  if (token.size() < kFewestCharacters) {
    throw invalid_argument(
        "{}: a token has at least {} characters in its first line; make one: openssl rand -hex 32",
        file.string(), kFewestCharacters);
  }
  if ((std::filesystem::status(file).permissions() & kOthers) != std::filesystem::perms::none) {
    throw invalid_argument("{}: others may read this token; change that: chmod 600 {}",
                           file.string(), file.string());
  }
  return token;
}

bool is_loopback(std::string_view address) {
  if (address.starts_with("unix:")) return true;
  const std::string_view host = address.substr(0, address.rfind(':'));
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace hwnas::measurement
