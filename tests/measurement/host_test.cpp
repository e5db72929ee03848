#include <gmock/gmock.h>

#include <fstream>

#include "core/error.hpp"
#include "measurement/timing_program.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/measurement/artifacts.hpp"

namespace hwnas::measurement {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string kQuick =
    "{runner: host, min_runs: 30, min_seconds: 0, max_seconds: 0.5, relative_interval: 0.2}";

class HostRunner : public testing::Test {
 protected:
  const TemporaryFolder folder_;
};

TEST_F(HostRunner, TimesTheCExportOnThisProcessor) {
  if (!has_program("cc")) GTEST_SKIP() << "there is no C compiler 'cc'";
  const Artifact artifact = c_artifact(folder_.path());
  const Measurement measured = runner_of(kQuick)->measure(artifact);
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_EQ(measured.origin, estimators::Origin::kMeasured);
  EXPECT_EQ(measured.runner, "host");
  EXPECT_EQ(measured.network, "net");
  EXPECT_GE(measured.latency.runs, 30);
  EXPECT_EQ(std::ssize(measured.latency.runs_ms), measured.latency.runs);
  EXPECT_GT(measured.latency.median_ms, 0);
  EXPECT_GE(measured.warm_up_runs, 10);
  EXPECT_GE(measured.environment.pinned_cpu.value_or(-1), 0);
  EXPECT_THAT(measured.environment.tool, StartsWith("cc -std=gnu99 -O2"));
  EXPECT_EQ(measured.environment.binary_sha256.size(), 64);
}

TEST_F(HostRunner, FindsThatFourTimesTheWorkTakesLonger) {
  if (!has_program("cc")) GTEST_SKIP() << "there is no C compiler 'cc'";
  const auto network_of = [](int channels) {
    ir::zoo::Builder net({.channels = 8, .height = 16, .width = 16});
    net.add(ir::zoo::conv(channels, ir::zoo::square(3)), {ir::kNetworkInput});
    return net.take();
  };
  const auto runner = runner_of(kQuick);
  const auto median = [&](const std::string& name, int channels) {
    const Artifact artifact = c_artifact(folder_.path(), name, network_of(channels));
    return runner->measure(artifact).latency.median_ms;
  };
  EXPECT_GT(median("large", 64), 1.5 * median("small", 16));
}

TEST_F(HostRunner, TimesShortInferencesSeveralAtATime) {
  if (!has_program("cc")) GTEST_SKIP() << "there is no C compiler 'cc'";
  ir::zoo::Builder net({.channels = 4, .height = 1, .width = 1});
  net.add(ir::Linear{2}, {ir::kNetworkInput});
  const Measurement measured =
      runner_of(kQuick)->measure(c_artifact(folder_.path(), "tiny", net.take()));
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_GT(measured.inferences_a_run, 1);
  EXPECT_LT(measured.latency.median_ms, 0.02);
}

TEST_F(HostRunner, CompilesNothingThatWasChangedSinceItWasExported) {
  const Artifact artifact = c_artifact(folder_.path());
  std::ofstream(artifact.main_file(), std::ios::app) << "int more;\n";
  const Measurement measured = runner_of(kQuick)->measure(artifact);
  EXPECT_EQ(measured.status, Status::kRefused);
  EXPECT_THAT(measured.reason, HasSubstr("changed"));
}

TEST_F(HostRunner, SaysWhichFilesItTakes) {
  write_file_atomically(folder_.path() / "net.tflite", "TFL3");
  const Measurement measured =
      runner_of(kQuick)->measure(artifact_of(folder_.path() / "net.tflite"));
  EXPECT_EQ(measured.status, Status::kRefused);
  EXPECT_THAT(measured.reason, HasSubstr("use 'command'"));
}

TEST_F(HostRunner, TakesTimingProgramsThatAreBuiltAlready) {
  const Artifact program = script(folder_.path(),
                                  "echo cpu 0; echo warm_up_runs $1; echo inferences_a_run 2\n"
                                  "for i in 1 2 3 4 5 6 7; do echo run_ns ${i}000000; done");
  const Measurement measured = runner_of("{runner: host, warm_up_runs: 12}")->measure(program);
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_DOUBLE_EQ(measured.latency.median_ms, 4);
  EXPECT_EQ(measured.warm_up_runs, 12);
  EXPECT_EQ(measured.inferences_a_run, 2);
  EXPECT_EQ(measured.environment.pinned_cpu, 0);
}

TEST_F(HostRunner, StopsOnRequest) {
  std::stop_source stopped;
  stopped.request_stop();
  const Artifact program = script(folder_.path(), "sleep 60");
  EXPECT_THROW(runner_of(kQuick)->measure(program, stopped.get_token()), Error);
}

TEST_F(HostRunner, RefusesATimeLimitThatItsOwnRunsWouldBreak) {
  try {
    runner_of("{runner: host, max_seconds: 100, time_limit_s: 50}");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("time_limit_s must not be less than max_seconds"));
  }
}

TEST(TimingProgram, IsRubbishWithAnyLineOfAnotherKind) {
  for (const char* output :
       {"", "run_ns\n", "run_ns -3\n", "run_ns nan\n", "run_ns 0\n", "run_ns 5\nhello\n",
        "run_ns 1 2\n", "warm_up_runs x\n", "inferences_a_run 0\nrun_ns 4\n", "cpu -1\nrun_ns 4\n",
        "warm_up_runs 5\n", "\nrun_ns 4\n"}) {
    const Measurement measured = with_timings({}, output);
    EXPECT_EQ(measured.status, Status::kRubbish) << output;
    EXPECT_NE(measured.reason, "") << output;
  }
  EXPECT_EQ(with_timings({}, "run_ns 4\n").status, Status::kOk);
}

}  // namespace
}  // namespace hwnas::measurement
