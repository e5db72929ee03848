#pragma once

#include <grpcpp/support/status.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace hwnas::client {

/// A field of a request that hwnasd refused.
struct FieldViolation {
  std::string field;        ///< "search_job.experiment:search.trials"
  std::string description;  ///< within YAML it begins with line and column: "12:3: …"
};

/// A call that failed, with what google.rpc.Status says of it. Its ErrorCode is the nearest one;
/// status() has all of gRPC's codes.
class CallError : public Error {
 public:
  CallError(const grpc::Status& status, const std::string& message);

  grpc::StatusCode status() const noexcept { return status_; }
  const std::vector<FieldViolation>& violations() const noexcept { return violations_; }

 private:
  grpc::StatusCode status_;
  std::vector<FieldViolation> violations_;
};

/// How long the server asks to wait before the next try; 0 if it does not say.
std::chrono::milliseconds retry_delay_of(const grpc::Status& status);

/// Whether hwnasd itself gave this answer: gRPC's own failures come without details.
bool is_answer(const grpc::Status& status);

}  // namespace hwnas::client
