#include "core/process.hpp"

#include <gmock/gmock.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <thread>

namespace hwnas {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

ProcessRequest shell(const std::string& script, std::chrono::milliseconds limit = 20s) {
  return {.arguments = {"sh", "-c", script},
          .folder = {},
          .input = {},
          .output = {},
          .time_limit = limit};
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(Process, GivesItsExitCodeAndBothStreams) {
  const ProcessResult result = run_process(shell("echo out; echo err >&2; exit 3"));
  EXPECT_EQ(result.end, ProcessEnd::kExited);
  EXPECT_EQ(result.code, 3);
  EXPECT_EQ(result.output, "out\n");
  EXPECT_EQ(result.errors, "err\n");
  EXPECT_FALSE(result.succeeded());
}

TEST(Process, SaysWhichSignalEndedIt) {
  const ProcessResult result = run_process(shell("kill -SEGV $$"));
  EXPECT_EQ(result.end, ProcessEnd::kSignalled);
  EXPECT_EQ(result.code, SIGSEGV);
  EXPECT_THAT(how_it_ended(shell(""), result), HasSubstr("signal 11"));
}

TEST(Process, PassesArgumentsAsTheyAre) {
  const ProcessResult result = run_process(
      {.arguments = {"printf", "%s", "$(id) ; `id` *"}, .folder = {}, .input = {}, .output = {}});
  EXPECT_EQ(result.output, "$(id) ; `id` *");
}

TEST(Process, RunsInItsFolder) {
  ProcessRequest request = shell("pwd");
  request.folder = "/";
  EXPECT_EQ(run_process(request).output, "/\n");
}

TEST(Process, IsStoppedWhenItTakesTooLong) {
  ProcessResult result;
  EXPECT_LT(seconds_of([&] { result = run_process(shell("sleep 60", 50ms)); }), 10);
  EXPECT_EQ(result.end, ProcessEnd::kTimedOut);
}

TEST(Process, IsStoppedWithItsHelpersThatHoldItsStreamsOpen) {
  ProcessResult result;
  EXPECT_LT(seconds_of([&] { result = run_process(shell("sleep 60 & echo started")); }), 10);
  EXPECT_EQ(result.end, ProcessEnd::kExited);
  EXPECT_EQ(result.output, "started\n");
}

TEST(Process, IsStoppedWhenItWritesWithoutEnd) {
  ProcessRequest request = shell("yes");
  request.max_output_bytes = 1000;
  const ProcessResult result = run_process(request);
  EXPECT_EQ(result.end, ProcessEnd::kTooMuchOutput);
  EXPECT_EQ(result.output.size(), 1000);
}

TEST(Process, IsStoppedOnRequest) {
  std::stop_source source;
  const std::jthread stopper([&] {
    std::this_thread::sleep_for(30ms);
    source.request_stop();
  });
  ProcessResult result;
  EXPECT_LT(seconds_of([&] { result = run_process(shell("sleep 60"), source.get_token()); }), 10);
  EXPECT_EQ(result.end, ProcessEnd::kCancelled);
}

TEST(Process, SaysThatThereIsNoSuchProgram) {
  const ProcessRequest request{
      .arguments = {"no-such-program"}, .folder = {}, .input = {}, .output = {}};
  const ProcessResult result = run_process(request);
  EXPECT_EQ(result.end, ProcessEnd::kNotStarted);
  EXPECT_EQ(result.code, ENOENT);
  EXPECT_THAT(how_it_ended(request, result), HasSubstr("no-such-program"));
}

}  // namespace
}  // namespace hwnas
