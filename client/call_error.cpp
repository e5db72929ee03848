#include "client/call_error.hpp"

#include <google/protobuf/util/time_util.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace hwnas::client {
namespace {

ErrorCode code_of(grpc::StatusCode status) {
  switch (status) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return ErrorCode::kInvalidArgument;
    case grpc::StatusCode::NOT_FOUND:
      return ErrorCode::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
      return ErrorCode::kAlreadyExists;
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::UNIMPLEMENTED:
    case grpc::StatusCode::ABORTED:
      return ErrorCode::kFailedPrecondition;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return ErrorCode::kResourceExhausted;
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return ErrorCode::kUnavailable;
    case grpc::StatusCode::CANCELLED:
      return ErrorCode::kCancelled;
    default:
      return ErrorCode::kInternal;
  }
}

/// The detail of this type, or its default.
template <typename Detail>
Detail detail_of(const grpc::Status& status) {
  google::rpc::Status details;
  Detail found;
  if (!details.ParseFromString(status.error_details())) return found;
  for (const google::protobuf::Any& any : details.details()) {
    if (any.Is<Detail>() && any.UnpackTo(&found)) break;
  }
  return found;
}

}  // namespace

CallError::CallError(const grpc::Status& status, const std::string& message)
    : Error(code_of(status.error_code()), message), status_(status.error_code()) {
  const auto request = detail_of<google::rpc::BadRequest>(status);
  for (const auto& violation : request.field_violations()) {
    violations_.push_back({violation.field(), violation.description()});
  }
}

std::chrono::milliseconds retry_delay_of(const grpc::Status& status) {
  using google::protobuf::util::TimeUtil;
  const auto info = detail_of<google::rpc::RetryInfo>(status);
  return std::chrono::milliseconds(TimeUtil::DurationToMilliseconds(info.retry_delay()));
}

bool is_answer(const grpc::Status& status) {
  return !status.error_details().empty();
}

}  // namespace hwnas::client
