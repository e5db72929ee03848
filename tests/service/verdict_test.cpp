#include "service/verdict.hpp"

#include <gmock/gmock.h>
#include <grpcpp/support/status.h>

#include <csignal>

#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {
namespace {

TEST(Verdict, TheExitCodeSaysHowAJobEnded) {
  EXPECT_EQ(judge({.code = 0}, Stop::kNotAsked, "")->to, JobState::kSucceeded);
  const auto failed = judge({.code = 2}, Stop::kNotAsked, "limits.macs: too small");
  EXPECT_EQ(failed->to, JobState::kFailed);
  EXPECT_EQ(failed->failure_code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(failed->failure, "limits.macs: too small");
  EXPECT_EQ(judge({.code = 1}, Stop::kNotAsked, "")->failure, "its process ended with exit code 1");
}

TEST(Verdict, AnInterruptionIsTheEndOfAJobThatWasCancelledAndOfNoOther) {
  EXPECT_EQ(judge({.code = 130}, Stop::kCancelled, "")->to, JobState::kCancelled);
  EXPECT_EQ(judge({.signal = SIGKILL}, Stop::kCancelled, "")->to, JobState::kCancelled);
  EXPECT_FALSE(judge({.code = 130}, Stop::kNotAsked, "").has_value());
  EXPECT_FALSE(judge({.code = 75}, Stop::kNotAsked, "").has_value());
  EXPECT_EQ(judge({.code = 0}, Stop::kCancelled, "")->to, JobState::kSucceeded);
}

TEST(Verdict, AJobThatRanTooLongHasFailedUnlessItEndedByItself) {
  const auto stopped = judge({.code = 130}, Stop::kOvertime, "");
  EXPECT_EQ(stopped->to, JobState::kFailed);
  EXPECT_EQ(stopped->failure_code, grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(judge({.code = 0}, Stop::kOvertime, "")->to, JobState::kSucceeded);
}

TEST(Verdict, ALimitThatEndedAProcessIsNamed) {
  const auto over = judge({.signal = SIGXCPU}, Stop::kNotAsked, "");
  EXPECT_EQ(over->failure_code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(over->failure, testing::HasSubstr("more processor time than a job may"));
  EXPECT_EQ(judge({.signal = SIGSEGV}, Stop::kNotAsked, "")->failure_code,
            grpc::StatusCode::INTERNAL);
}

TEST(Verdict, TheLastLineOfALogIsTheMessage) {
  const TemporaryFolder folder;
  const auto log = folder.write("log", "search: 50 %\nhwnas: no room on the disk\n\n");
  EXPECT_EQ(last_message(log), "no room on the disk");
  EXPECT_EQ(last_message(folder / "none"), "");
  const auto long_log = folder.write("long", std::string(100'000, 'x') + "\nhwnas: end\n");
  EXPECT_EQ(last_message(long_log), "end");
}

}  // namespace
}  // namespace hwnas::service
