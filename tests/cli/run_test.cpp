// Whole runs, driven as a user does. They look candidates up in a table, so that a run takes a
// moment; the engine's tests hold what is in the store to account.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "engine/run_lock.hpp"
#include "process.hpp"

namespace hwnas::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// Every cell of NAS-Bench-201 with a made-up accuracy.
std::string table_of_cells() {
  std::string csv = "ops,top1\n";
  for (int cell = 0; cell < 15'625; ++cell) {
    int rest = cell;
    std::string ops;
    for (int edge = 0; edge < 6; ++edge, rest /= 5)
      ops.insert(ops.begin(), static_cast<char>('0' + rest % 5));
    csv += ops + "," + std::to_string(50 + cell % 97 * 0.4) + "\n";
  }
  return csv;
}

void wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "waited in vain";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// Tests run beside each other, each in a process of its own.
class Run : public testing::Test {
 protected:
  Run() {
    const std::string table = temporary_file("cells.csv", table_of_cells());
    experiment_ = temporary_file("table.yaml", R"(version: 1
name: table
seed: 1
data: { name: none, input: [3, 32, 32], classes: 10 }
space: { family: nasbench201, cells_per_stage: 1, channels: 4 }
device: { name: stm32f746, runtime: tflite_micro }
objectives: [ maximize val_top1, minimize macs ]
search: { strategy: random, trials: 40 }
evaluator: { name: table, tables: [ { file: )" + table +
                                                   R"(, key: ops, metrics: { val_top1: top1 } } ] }
)");
    fs::remove_all(folder_);
  }
  ~Run() override { fs::remove_all(folder_); }

  std::string experiment_;
  std::string folder_ = testing::TempDir() + "hwnas_cli_test_run_" + std::to_string(::getpid());
};

TEST_F(Run, WritesItsResultToStandardOutputAndProgressToStandardError) {
  const Finished finished = hwnas({"run", experiment_, "--folder", folder_});
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr(folder_ + "/report.html"));
  EXPECT_THAT(finished.err, HasSubstr("40 evaluated"));
  EXPECT_THAT(finished.err, Not(HasSubstr("\x1b")));
  EXPECT_TRUE(fs::exists(folder_ + "/report.html"));
}

TEST_F(Run, GivesItsResultAsJson) {
  const Finished finished = hwnas({"run", experiment_, "--folder", folder_, "--json"});
  const auto result = nlohmann::json::parse(finished.out);
  EXPECT_EQ(result["state"], "finished");
  EXPECT_EQ(result["folder"], folder_);
}

TEST_F(Run, IsNotRepeatedInItsFolderButCanBeReportedAndResumed) {
  ASSERT_EQ(hwnas({"run", experiment_, "--folder", folder_}).exit_code, 0);
  const Finished again = hwnas({"run", experiment_, "--folder", folder_});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr(folder_));
  EXPECT_EQ(hwnas({"resume", folder_}).exit_code, 0);
  const Finished report = hwnas({"report", folder_, "--json"});
  EXPECT_EQ(nlohmann::json::parse(report.out)["trials"].size(), 40u);
}

TEST_F(Run, ThatIsInterruptedSaysHowToGoOnAndGoesOn) {
  Process process({HWNAS_PROGRAM, "run", experiment_, "--folder", folder_, "--set",
                   "search.trials=15000", "--set", "search.window=1"});
  wait_until([&] { return fs::exists(folder_ + "/run.db"); });
  process.signal(SIGINT);
  const Finished interrupted = process.wait();
  EXPECT_EQ(interrupted.exit_code, 130) << interrupted.err;
  EXPECT_THAT(interrupted.err, HasSubstr("resume " + folder_));

  Process resumed({HWNAS_PROGRAM, "resume", folder_});
  wait_until([&] { return engine::is_locked(folder_); });
  const Finished second = hwnas({"resume", folder_});
  EXPECT_EQ(second.exit_code, 75) << second.err;
  resumed.signal(SIGTERM);
  EXPECT_EQ(resumed.wait().exit_code, 130);
}

}  // namespace
}  // namespace hwnas::cli
