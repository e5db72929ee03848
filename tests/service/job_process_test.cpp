#include "service/job_process.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <memory>
#include <thread>

#include "core/file.hpp"
#include "core/sanitizer.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;

ProcessExit wait_for(JobProcess& process) {
  for (int i = 0; i < 2000; ++i) {
    if (const auto exit = process.poll()) return *exit;
    std::this_thread::sleep_for(5ms);
  }
  ADD_FAILURE() << "the process did not end";
  return {};
}

class JobProcessTest : public testing::Test {
 protected:
  JobProcess shell(const std::string& script, const JobLimits& limits = {}) {
    return JobProcess({"/bin/sh", "-c", script}, log_, limits);
  }
  std::string log() const { return read_file(log_, 1 << 20); }

  const TemporaryFolder folder_;
  const std::filesystem::path log_ = folder_ / "log";
};

TEST_F(JobProcessTest, ItsExitCodeAndItsLastWordsAreKept) {
  JobProcess process = shell("echo problem >&2; exit 3");
  const ProcessExit exit = wait_for(process);
  EXPECT_EQ(exit.code, 3);
  EXPECT_EQ(exit.signal, 0);
  EXPECT_EQ(log(), "problem\n");
}

TEST_F(JobProcessTest, ItRunsWithTheLimitsOfAJob) {
  JobProcess process = shell(
      "(ulimit -d; ulimit -t; ulimit -n; ulimit -c; cat /proc/self/oom_score_adj) >&2",
      {.memory_bytes = 512 << 20, .cpu_seconds = 77, .file_bytes = 1 << 20, .open_files = 55});
  wait_for(process);
  const std::string data = kHasAddressSanitizer ? "unlimited" : "524288";
  EXPECT_EQ(log(), data + "\n77\n55\n0\n1000\n");
}

TEST_F(JobProcessTest, AFileLargerThanItMayBeEndsIt) {
  JobProcess process = shell("exec head -c 100000 /dev/zero > " + (folder_ / "large").string(),
                             {.file_bytes = 50'000});
  EXPECT_EQ(wait_for(process).signal, SIGXFSZ);
}

TEST_F(JobProcessTest, NoSignalThatTheDaemonBlocksOrIgnoresIsBlockedInIt) {
  sigset_t ending, before;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, &before);
  JobProcess process = shell("exec sleep 60");
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  process.terminate();
  EXPECT_EQ(wait_for(process).signal, SIGTERM);
}

TEST_F(JobProcessTest, AllThatItHasStartedIsKilledWithIt) {
  JobProcess process = shell("sleep 60 & echo $! >&2; wait");
  while (!std::filesystem::exists(log_) || log().empty()) std::this_thread::sleep_for(5ms);
  const pid_t helper = std::stoi(log());
  process.kill();
  wait_for(process);
  // Gone, or waiting for init to collect it.
  std::string state;
  for (int i = 0; i < 400 && state != "Z"; ++i) {
    std::ifstream stat("/proc/" + std::to_string(helper) + "/stat");
    std::string pid, name;
    if (!(stat >> pid >> name >> state)) break;
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_THAT(state, testing::AnyOf("Z", "", "X"));
}

TEST_F(JobProcessTest, ItDoesNotOutliveTheThreadThatStartedIt) {
  std::unique_ptr<JobProcess> process;
  std::thread([&] {
    process = std::make_unique<JobProcess>(
        std::vector<std::string>{"/bin/sh", "-c", "exec sleep 60"}, log_, JobLimits{});
  }).join();
  EXPECT_EQ(wait_for(*process).signal, SIGKILL);
}

TEST_F(JobProcessTest, AProgramThatIsNotThereIsSaidInTheLog) {
  JobProcess process({(folder_ / "none").string()}, log_, {});
  EXPECT_EQ(wait_for(process).code, JobProcess::kCannotExecute);
  EXPECT_EQ(log(), "cannot be executed: No such file or directory");
}

}  // namespace
}  // namespace hwnas::service
