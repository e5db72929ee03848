#include "cli/exit_code.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "client/call_error.hpp"

namespace hwnas::cli {
namespace {

TEST(ExitCode, SaysWhoseFaultItIs) {
  EXPECT_EQ(exit_code_of(ErrorCode::kInvalidArgument), ExitCode::kUsage);
  EXPECT_EQ(exit_code_of(ErrorCode::kAlreadyExists), ExitCode::kUsage);
  EXPECT_EQ(exit_code_of(ErrorCode::kFailedPrecondition), ExitCode::kUsage);
  EXPECT_EQ(exit_code_of(ErrorCode::kNotFound), ExitCode::kNotFound);
  EXPECT_EQ(exit_code_of(ErrorCode::kUnavailable), ExitCode::kUnavailable);
  EXPECT_EQ(exit_code_of(ErrorCode::kResourceExhausted), ExitCode::kTryAgain);
  EXPECT_EQ(exit_code_of(ErrorCode::kCancelled), ExitCode::kInterrupted);
  EXPECT_EQ(exit_code_of(ErrorCode::kSearchFailed), ExitCode::kFailed);
  EXPECT_EQ(exit_code_of(ErrorCode::kInternal), ExitCode::kFailed);
}

TEST(ExitCode, TellsACallerWhoIsNotKnownFromOtherRefusals) {
  for (const auto status :
       {grpc::StatusCode::UNAUTHENTICATED, grpc::StatusCode::PERMISSION_DENIED}) {
    EXPECT_EQ(exit_code_of(client::CallError({status, "no"}, "no")), ExitCode::kAuthentication);
  }
  EXPECT_EQ(exit_code_of(client::CallError({grpc::StatusCode::DEADLINE_EXCEEDED, "late"}, "late")),
            ExitCode::kUnavailable);
  EXPECT_EQ(exit_code_of(invalid_argument("no")), ExitCode::kUsage);
}

TEST(ExitCode, IsExplainedInHelp) {
  for (const ExitCode code : {ExitCode::kOk, ExitCode::kFailed, ExitCode::kUsage,
                              ExitCode::kNotFound, ExitCode::kAuthentication,
                              ExitCode::kUnavailable, ExitCode::kTryAgain, ExitCode::kInterrupted})
    EXPECT_THAT(exit_code_help(),
                testing::HasSubstr("\n  " + std::to_string(static_cast<int>(code)) + " "));
}

}  // namespace
}  // namespace hwnas::cli
