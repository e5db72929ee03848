#include "service/error_status.hpp"

#include <gmock/gmock.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "service/outcome.hpp"

namespace hwnas::service {
namespace {

google::rpc::Status details_of(const std::exception_ptr& failure) {
  google::rpc::Status status;
  EXPECT_TRUE(status.ParseFromString(status_of(failure, "tenants/acme").error_details()));
  return status;
}

template <typename Details>
std::optional<Details> find(const google::rpc::Status& status) {
  Details details;
  for (const auto& any : status.details()) {
    if (any.UnpackTo(&details)) return details;
  }
  return std::nullopt;
}

TEST(ErrorStatus, EveryErrorCodeHasItsOwnStatusAndAnErrorInfo) {
  const std::pair<ErrorCode, grpc::StatusCode> codes[] = {
      {ErrorCode::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
      {ErrorCode::kNotFound, grpc::StatusCode::NOT_FOUND},
      {ErrorCode::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
      {ErrorCode::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION},
      {ErrorCode::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {ErrorCode::kUnavailable, grpc::StatusCode::UNAVAILABLE},
      {ErrorCode::kCancelled, grpc::StatusCode::CANCELLED},
      {ErrorCode::kInternal, grpc::StatusCode::INTERNAL}};
  for (const auto& [code, expected] : codes) {
    const auto failure = std::make_exception_ptr(Error(code, "why"));
    EXPECT_EQ(status_of(failure, "").error_code(), expected);
    const google::rpc::Status status = details_of(failure);
    EXPECT_EQ(status.code(), expected);
    EXPECT_EQ(find<google::rpc::ErrorInfo>(status)->reason(), name_of(expected));
    EXPECT_EQ(find<google::rpc::ErrorInfo>(status)->domain(), "hwnas");
  }
}

TEST(ErrorStatus, AnInvalidFieldIsNamedInABadRequest) {
  const auto status =
      details_of(std::make_exception_ptr(InvalidField("search_job.priority", "too high")));
  const auto request = find<google::rpc::BadRequest>(status);
  ASSERT_EQ(request->field_violations_size(), 1);
  EXPECT_EQ(request->field_violations(0).field(), "search_job.priority");
  EXPECT_EQ(request->field_violations(0).description(), "too high");
}

TEST(ErrorStatus, EveryInvalidFieldIsNamed) {
  const auto status = details_of(std::make_exception_ptr(
      InvalidFields({violation_of("text", "profile:3:5: clock_hz: is 0", "profile"),
                     violation_of("text", "too long", "profile")})));
  const auto request = find<google::rpc::BadRequest>(status);
  ASSERT_EQ(request->field_violations_size(), 2);
  EXPECT_EQ(request->field_violations(0).field(), "text:clock_hz");
  EXPECT_EQ(request->field_violations(0).description(), "3:5: is 0");
  EXPECT_EQ(request->field_violations(1).field(), "text");
  EXPECT_EQ(status.message(), "text:clock_hz: 3:5: is 0; text: too long");
}

TEST(ErrorStatus, WhatIsUsedUpSaysWhatAndWhenToTryAgain) {
  const auto status =
      details_of(std::make_exception_ptr(Error(ErrorCode::kResourceExhausted, "100 jobs")));
  EXPECT_EQ(find<google::rpc::QuotaFailure>(status)->violations(0).subject(), "tenants/acme");
  EXPECT_EQ(find<google::rpc::RetryInfo>(status)->retry_delay().seconds(), 1);
}

TEST(ErrorStatus, AStaleEtagIsAborted) {
  EXPECT_EQ(code_of(std::make_exception_ptr(StaleEtag(ErrorCode::kFailedPrecondition, "changed"))),
            grpc::StatusCode::ABORTED);
}

TEST(ErrorStatus, AFaultInATextIsTakenApart) {
  const TextFaultPlace place =
      place_of_fault("experiment:12:3: search.trials: 0 is not between 1 and 9", "experiment");
  EXPECT_EQ(place.line, 12);
  EXPECT_EQ(place.column, 3);
  EXPECT_EQ(place.key, "search.trials");
  EXPECT_EQ(place.description, "0 is not between 1 and 9");
}

TEST(ErrorStatus, AMessageWithoutAPlaceStaysWhole) {
  for (const char* message : {"experiment: no place", "experiment:12", "other:1:2: x", ""}) {
    const TextFaultPlace place = place_of_fault(message, "experiment");
    EXPECT_EQ(place.line, 0) << message;
    EXPECT_EQ(place.description, message);
  }
}

}  // namespace
}  // namespace hwnas::service
