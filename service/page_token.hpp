#pragma once

#include <string>
#include <string_view>

namespace hwnas::service {

/// Makes and reads page tokens: where a listing goes on, sealed together with what was listed
/// (HMAC-SHA-256, RFC 2104, cut to 128 bits), so that a client cannot change either. Thread-safe.
class PageTokens {
 public:
  /// `key`: of this store and secret, so that tokens hold across restarts.
  explicit PageTokens(std::string key) : key_(std::move(key)) {}

  /// `arguments`: all that the listing depends on; `position`: any bytes. Hexadecimal digits.
  std::string make(std::string_view position, std::string_view arguments) const;
  /// The position. Throws InvalidArgument for what make did not give for these arguments.
  std::string read(std::string_view token, std::string_view arguments) const;

 private:
  std::string seal(std::string_view position, std::string_view arguments) const;

  std::string key_;
};

/// 32 bytes of the system's randomness, in hexadecimal digits.
std::string random_key();

}  // namespace hwnas::service
