#include "cli/exit_code.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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
  EXPECT_EQ(exit_code_of(ErrorCode::kInternal), ExitCode::kFailed);
}

TEST(ExitCode, IsExplainedInHelp) {
  for (const ExitCode code :
       {ExitCode::kOk, ExitCode::kFailed, ExitCode::kUsage, ExitCode::kNotFound,
        ExitCode::kUnavailable, ExitCode::kTryAgain, ExitCode::kInterrupted})
    EXPECT_THAT(exit_code_help(),
                testing::HasSubstr("\n  " + std::to_string(static_cast<int>(code)) + " "));
}

}  // namespace
}  // namespace hwnas::cli
