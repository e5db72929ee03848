#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "service/error_status.hpp"

namespace hwnas::service {

/// What a method asks of its caller.
enum class Right {
  kAnyone,  ///< not even to be known: nothing of any tenant is in it
  kRead,    ///< of the tenant that the call names
  kWrite    ///< likewise; whoever may write may read
};

struct MethodRule {
  std::string_view method;  ///< "hwnas.v1.SearchService/GetSearchJob"
  Right right = Right::kWrite;
};

/// One row a method that the daemon serves. What has no row is refused.
std::span<const MethodRule> method_rules();

/// Who calls: a tenant with rights, or the operator, who may do all.
struct Caller {
  std::string tenant;  ///< empty: the operator
  Right right = Right::kRead;
};

/// What a file of tokens holds: one caller a line, "TENANT read|write TOKEN"; '#' begins a comment.
class Tokens {
 public:
  /// Throws InvalidArgument with file and line; also if others than the owner may read the file.
  static Tokens load(const std::filesystem::path& file);

  /// Compares with every token, in a time that does not depend on which one it is.
  std::optional<Caller> find(std::string_view token) const;

 private:
  struct Entry {
    Caller caller;
    std::string digest;  ///< SHA-256 of the token
  };
  std::vector<Entry> entries_;
};

/// What a call brings along to say who makes it.
struct Credentials {
  std::optional<std::string> bearer_token;
  std::vector<std::string> certificate_uris;  ///< subject alternative names of a verified client
};

/// Decides who may do what; every handler asks it first. Immutable, hence thread-safe.
class Authorization {
 public:
  /// With neither tokens nor certificates every caller is the operator: for a socket that only its
  /// owner can open.
  struct Options {
    std::optional<Tokens> tokens = {};
    /// A verified client certificate with the URI "hwnas:tenants/acme" is the tenant acme with the
    /// right to write.
    bool certificates = false;
  };
  explicit Authorization(Options options) : options_(std::move(options)) {}

  /// Throws RpcError: PERMISSION_DENIED for a method without a rule or beyond the caller's right,
  /// UNAUTHENTICATED for a caller who is not known; NotFound for a tenant that is not the caller's.
  void require(std::string_view method, const Credentials& credentials,
               std::string_view tenant) const;
  /// Throws RpcError: UNAUTHENTICATED for a caller who is not known.
  Caller caller_of(const Credentials& credentials) const;
  /// Nothing for a token that is not known, or where there are none.
  std::optional<Caller> caller_with(std::string_view token) const;

 private:
  Options options_;
};

}  // namespace hwnas::service
