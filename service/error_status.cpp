#include "service/error_status.hpp"

#include <fmt/format.h>

#include <charconv>

#include "google/rpc/code.pb.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "service/quota.hpp"

namespace hwnas::service {
namespace {

constexpr const char* kDomain = "hwnas";
constexpr std::chrono::seconds kRetryAfter{1};
constexpr std::string_view kKeyCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.[]";

grpc::StatusCode code_of_error(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kSearchFailed:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kCancelled:
      return grpc::StatusCode::CANCELLED;
    case ErrorCode::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::INTERNAL;
}

/// "12" off the front of `text` together with the colon behind it; 0 if there is no number.
int take_number(std::string_view& text) {
  int number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc() || end == text.data() + text.size() || *end != ':') return 0;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

std::string message_of(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "unknown failure";
  }
}

std::string message_of(const std::vector<FieldViolation>& violations) {
  std::string text;
  for (const FieldViolation& each : violations) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", each.field, each.description);
  }
  return text;
}

template <typename Details>
void add(google::rpc::Status& status, const Details& details) {
  status.add_details()->PackFrom(details);
}

void add_violation(std::exception_ptr failure, google::rpc::Status& status) {
  try {
    std::rethrow_exception(failure);
  } catch (const InvalidFields& invalid) {
    google::rpc::BadRequest details;
    for (const FieldViolation& each : invalid.violations()) {
      auto& violation = *details.add_field_violations();
      violation.set_field(each.field);
      violation.set_description(each.description);
    }
    add(status, details);
  } catch (const std::exception&) {
    // Not of one field.
  }
}

void add_resource(const std::string& subject, google::rpc::Status& status) {
  google::rpc::ResourceInfo details;
  details.set_resource_type("hwnas/Resource");
  details.set_resource_name(subject);
  details.set_description(status.message());
  add(status, details);
}

void add_precondition(const std::string& subject, google::rpc::Status& status) {
  google::rpc::PreconditionFailure details;
  auto& violation = *details.add_violations();
  violation.set_type("STATE");
  violation.set_subject(subject);
  violation.set_description(status.message());
  add(status, details);
}

void add_retry(std::chrono::seconds after, google::rpc::Status& status) {
  google::rpc::RetryInfo details;
  details.mutable_retry_delay()->set_seconds(after.count());
  add(status, details);
}

void add_quota(std::exception_ptr failure, const std::string& subject,
               google::rpc::Status& status) {
  google::rpc::QuotaFailure details;
  auto& violation = *details.add_violations();
  violation.set_subject(subject);
  std::chrono::seconds retry_after = kRetryAfter;
  try {
    std::rethrow_exception(failure);
  } catch (const QuotaExceeded& exceeded) {
    violation.set_subject("tenants/" + exceeded.tenant());
    retry_after = exceeded.retry_after();
  } catch (const std::exception&) {
    // Not of one tenant: the disk is full, say.
  }
  violation.set_description(status.message());
  add(status, details);
  add_retry(retry_after, status);
}

void add_details(grpc::StatusCode code, std::exception_ptr failure, const std::string& subject,
                 google::rpc::Status& status) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
      return add_violation(failure, status);
    case grpc::StatusCode::NOT_FOUND:
    case grpc::StatusCode::ALREADY_EXISTS:
      return add_resource(subject, status);
    case grpc::StatusCode::FAILED_PRECONDITION:
      return add_precondition(subject, status);
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return add_quota(failure, subject, status);
    case grpc::StatusCode::UNAVAILABLE:
      return add_retry(kRetryAfter, status);
    default:
      return;
  }
}

}  // namespace

InvalidFields::InvalidFields(std::vector<FieldViolation> violations)
    : Error(ErrorCode::kInvalidArgument, message_of(violations)),
      violations_(std::move(violations)) {}

TextFaultPlace place_of_fault(std::string_view message, std::string_view source) {
  TextFaultPlace place;
  std::string_view rest = message;
  if (rest.starts_with(source) && rest.substr(source.size()).starts_with(":")) {
    rest.remove_prefix(source.size() + 1);
    place.line = take_number(rest);
    place.column = take_number(rest);
  }
  if (place.line == 0 || place.column == 0) {
    place.line = place.column = 0;
    place.description = message;
    return place;
  }
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::size_t end = rest.find_first_not_of(kKeyCharacters);
  if (end != std::string_view::npos && end > 0 && rest.substr(end).starts_with(": ")) {
    place.key = rest.substr(0, end);
    rest.remove_prefix(end + 2);
  }
  place.description = rest;
  return place;
}

FieldViolation violation_of(const std::string& field, std::string_view fault,
                            std::string_view source) {
  const TextFaultPlace place = place_of_fault(fault, source);
  if (place.line == 0) return {field, place.description};
  return {place.key.empty() ? field : field + ":" + place.key,
          fmt::format("{}:{}: {}", place.line, place.column, place.description)};
}

const std::string& name_of(grpc::StatusCode code) {
  return google::rpc::Code_Name(static_cast<google::rpc::Code>(code));
}

grpc::StatusCode code_of(std::exception_ptr failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const RpcError& error) {
    return error.status();
  } catch (const StaleEtag&) {
    return grpc::StatusCode::ABORTED;
  } catch (const Error& error) {
    return code_of_error(error.code());
  } catch (...) {
    return grpc::StatusCode::INTERNAL;
  }
}

grpc::Status status_of(std::exception_ptr failure, const std::string& subject) {
  const grpc::StatusCode code = code_of(failure);
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message_of(failure));
  google::rpc::ErrorInfo info;
  info.set_reason(name_of(code));
  info.set_domain(kDomain);
  add(status, info);
  add_details(code, failure, subject, status);
  return {code, status.message(), status.SerializeAsString()};
}

}  // namespace hwnas::service
