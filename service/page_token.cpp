#include "service/page_token.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <optional>

#include "core/error.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kSealDigits = 32;
constexpr std::size_t kMaxTokenDigits = 4096;

std::string to_hex(std::string_view bytes) {
  std::string digits;
  for (const unsigned char byte : bytes) digits += fmt::format("{:02x}", byte);
  return digits;
}

std::optional<std::string> from_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    unsigned char byte = 0;
    const char* end = digits.data() + i + 2;
    if (std::from_chars(digits.data() + i, end, byte, 16).ptr != end) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace

std::string PageTokens::seal(std::string_view position, std::string_view arguments) const {
  // The length keeps what belongs to the one from counting as the other.
  const std::string message = fmt::format("{}:{}{}", position.size(), position, arguments);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
           &size) == nullptr) {
    throw error(ErrorCode::kInternal, "page token: OpenSSL failed");
  }
  return to_hex({reinterpret_cast<const char*>(digest.data()), size}).substr(0, kSealDigits);
}

std::string PageTokens::make(std::string_view position, std::string_view arguments) const {
  return seal(position, arguments) + to_hex(position);
}

std::string PageTokens::read(std::string_view token, std::string_view arguments) const {
  const auto invalid = [] {
    return invalid_argument(
        "page_token: not one that was given for this listing; take next_page_token as it is and "
        "leave the other arguments as they were, or begin again without a token");
  };
  if (token.size() < kSealDigits || token.size() > kMaxTokenDigits) throw invalid();
  const auto position = from_hex(token.substr(kSealDigits));
  if (!position) throw invalid();
  const std::string expected = seal(*position, arguments);
  if (CRYPTO_memcmp(expected.data(), token.data(), kSealDigits) != 0) throw invalid();
  return *position;
}

std::string random_key() {
  std::array<unsigned char, 32> bytes;
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
    throw error(ErrorCode::kInternal, "OpenSSL has no random bytes");
  }
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace hwnas::service
