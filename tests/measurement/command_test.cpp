#include <gmock/gmock.h>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/measurement/artifacts.hpp"

namespace hwnas::measurement {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CommandRunner : public testing::Test {
 protected:
  CommandRunner() { write_file_atomically(folder_.path() / "net.tflite", "TFL3"); }
  Measurement measure(const std::string& yaml) const {
    return runner_of("runner: command\n" + yaml)
        ->measure(artifact_of(folder_.path() / "net.tflite"));
  }
  static std::string refusal(const std::string& yaml) {
    try {
      runner_of("runner: command\n" + yaml);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  const TemporaryFolder folder_;
};

TEST_F(CommandRunner, ReadsManyTimesByItsPatternAndUnit) {
  const Measurement measured = measure(
      "command: [printf, 'run 1500\\nrun 2500\\nother 9\\nrun 2000\\n']\n"
      "pattern: '^run ([0-9]+)$'\n"
      "unit: us\n");
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_THAT(measured.latency.runs_ms, ElementsAre(1.5, 2.5, 2.0));
  EXPECT_DOUBLE_EQ(measured.latency.median_ms, 2);
  EXPECT_EQ(measured.origin, estimators::Origin::kMeasured);
}

TEST_F(CommandRunner, ReadsWhatBenchmarkModelWritesToStandardError) {
  const Measurement measured = measure(
      "command: [sh, -c, 'echo \"INFO: Inference timings in us: Init: 1200, First inference: 912, "
      "Warmup (avg): 801.5, Inference (avg): 785.2\" >&2']\n"
      "pattern: 'Inference \\(avg\\): ([0-9.e+]+)'\n"
      "unit: us\n");
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_THAT(measured.latency.runs_ms, ElementsAre(0.7852));
}

TEST_F(CommandRunner, FillsInPlaceholders) {
  const Measurement measured = measure(
      "command: 'printf \"%s 7 ms\" --graph={artifact},{file},{name},{runs},{warm_up_runs}'\n"
      "pattern: '([0-9]+) ms'\n"
      "runs: 20\n"
      "warm_up_runs: 3\n");
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_THAT(
      measured.environment.tool,
      HasSubstr("--graph=" + (folder_.path() / "net.tflite").string() + ",net.tflite,net,20,3"));
  EXPECT_EQ(measured.warm_up_runs, 3);
}

TEST_F(CommandRunner, KnowsNothingOfWarmUpRunsThatItDoesNotAskFor) {
  EXPECT_EQ(measure("command: echo 7\npattern: '([0-9]+)'\n").warm_up_runs, 0);
}

TEST_F(CommandRunner, PushesTheArtifactFirst) {
  const std::string there = (folder_.path() / "there").string();
  const Measurement measured =
      measure("push: [cp, '{artifact}', '" + there + "']\n" + "command: [sh, -c, 'wc -c < " +
              there + "']\n" + "pattern: '([0-9]+)'\n");
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_THAT(measured.latency.runs_ms, ElementsAre(4));
}

TEST_F(CommandRunner, DoesNotRunTheCommandWhenThePushFails) {
  const std::string trace = (folder_.path() / "trace").string();
  const Measurement measured =
      measure("push: 'false'\ncommand: [touch, '" + trace + "']\npattern: '([0-9]+)'\n");
  EXPECT_EQ(measured.status, Status::kCrashed);
  EXPECT_FALSE(std::filesystem::exists(trace));
}

TEST_F(CommandRunner, NeverHandsAShellWhatItCouldRun) {
  const TemporaryFolder outer;
  const std::filesystem::path inner = outer.path() / "a;touch b";
  std::filesystem::create_directory(inner);
  write_file_atomically(inner / "net.tflite", "TFL3");
  const auto runner = runner_of("{runner: command, command: 'echo {artifact} 7', pattern: '(7)'}");
  const Measurement measured = runner->measure(artifact_of(inner / "net.tflite"));
  EXPECT_EQ(measured.status, Status::kRefused);
  EXPECT_THAT(measured.reason, HasSubstr("move the file"));
}

TEST_F(CommandRunner, TellsRefusalFromCrashAndLostConnection) {
  const std::string rest = "\npattern: '([0-9]+) ms'\nrefusal: 'unsupported op'\n";
  EXPECT_EQ(measure("command: [sh, -c, 'echo unsupported op 7 >&2; exit 1']" + rest).status,
            Status::kRefused);
  EXPECT_EQ(measure("command: [sh, -c, 'echo 7 ms; echo unsupported op']" + rest).status,
            Status::kRefused);
  EXPECT_EQ(measure("command: [sh, -c, 'echo broken >&2; exit 1']" + rest).status,
            Status::kCrashed);
  EXPECT_EQ(measure("command: [sh, -c, 'echo Connection refused >&2; exit 255']" + rest).status,
            Status::kConnectionLost);
}

TEST_F(CommandRunner, TriesAgainOnlyAfterALostConnection) {
  const auto starts = [&](const std::string& end) {
    const std::filesystem::path trace = folder_.path() / "trace";
    std::filesystem::remove(trace);
    measure("command: [sh, -c, 'echo x >> " + trace.string() + "; " + end +
            "']\npattern: '([0-9]+) ms'\nretries: 2\n");
    return std::filesystem::file_size(trace) / 2;
  };
  EXPECT_EQ(starts("exit 255"), 3);
  EXPECT_EQ(starts("exit 1"), 1);
  EXPECT_EQ(starts("echo 7 ms"), 1);
}

TEST_F(CommandRunner, MatchesHostilePatternsInLinearTime) {
  const Measurement measured = measure(
      "command: [sh, -c, \"head -c 200000 /dev/zero | tr '\\\\0' a\"]\n"
      "pattern: '(?:(?:a|aa)+)+b([0-9])'\n");
  EXPECT_EQ(measured.status, Status::kRubbish);
}

TEST_F(CommandRunner, RefusesOptionsWithTheirPlace) {
  EXPECT_THAT(refusal("command: 'echo {artefact}'\npattern: '(7)'\n"),
              HasSubstr("runner.yaml:2:10: command: {artefact} is none of {artifact}, {file}"));
  EXPECT_THAT(refusal("command: \"echo 'x\"\npattern: '(7)'\n"), HasSubstr("never closed"));
  EXPECT_THAT(refusal("command: ''\npattern: '(7)'\n"), HasSubstr("names no program"));
  EXPECT_THAT(refusal("command: echo\npattern: '(7'\n"), HasSubstr("no regular expression"));
  EXPECT_THAT(refusal("command: echo\npattern: '7'\n"), HasSubstr("one group"));
  EXPECT_THAT(refusal("command: echo\npattern: '(7)'\nunit: h\n"), HasSubstr("runner.yaml:4:7"));
  EXPECT_THAT(refusal("command: echo\npattern: '(7)'\ntries: 3\n"), HasSubstr("tries"));
}

}  // namespace
}  // namespace hwnas::measurement
