#pragma once

#include <grpcpp/support/status.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace hwnas::service {

/// What only a server can say: codes that hwnas::ErrorCode does not have.
class RpcError : public Error {
 public:
  RpcError(grpc::StatusCode status, const std::string& message)
      : Error(ErrorCode::kFailedPrecondition, message), status_(status) {}
  grpc::StatusCode status() const noexcept { return status_; }

 private:
  grpc::StatusCode status_;
};

struct FieldViolation {
  std::string field;  ///< its path in the request, "search_job.priority"
  std::string description;
};

/// Fields of a request that are wrong (INVALID_ARGUMENT with a BadRequest).
class InvalidFields : public Error {
 public:
  /// At least one.
  explicit InvalidFields(std::vector<FieldViolation> violations);
  const std::vector<FieldViolation>& violations() const noexcept { return violations_; }

 private:
  std::vector<FieldViolation> violations_;
};

class InvalidField : public InvalidFields {
 public:
  InvalidField(std::string field, std::string description)
      : InvalidFields({{std::move(field), std::move(description)}}) {}
};

/// A fault in a text that was read by Config, apart: "experiment:12:3: search.trials: …".
struct TextFaultPlace {
  int line = 0;    ///< from 1; 0: the message names no place
  int column = 0;  ///< from 1
  std::string key;
  std::string description;  ///< without place and key
};
/// `source`: the name that the text was given when it was read.
TextFaultPlace place_of_fault(std::string_view message, std::string_view source);
/// The fault as a violation of the field that the text came in: "field:key", "line:column: …".
FieldViolation violation_of(const std::string& field, std::string_view fault,
                            std::string_view source);

/// The google.rpc.Code of an exception: that of its ErrorCode, ABORTED for a StaleEtag, INTERNAL
/// for what is no Error.
grpc::StatusCode code_of(std::exception_ptr failure);

/// The answer to a call that failed, with a google.rpc.Status as details: an ErrorInfo (domain
/// "hwnas", reason: the code's name) always, then as the code asks for it BadRequest, ResourceInfo,
/// PreconditionFailure, QuotaFailure and RetryInfo. `subject`: the resource that the call names.
grpc::Status status_of(std::exception_ptr failure, const std::string& subject);

/// "INVALID_ARGUMENT", …
const std::string& name_of(grpc::StatusCode code);

}  // namespace hwnas::service
