// What the store holds after its process was killed at any instant.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "core/rng.hpp"
#include "core/sanitizer.hpp"
#include "service/job_store.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

constexpr const char* kThreads = "4";

int kills_wanted() {
  const char* wanted = std::getenv("HWNAS_KILLS");
  return wanted == nullptr ? 50 : std::atoi(wanted);
}

/// Runs store_runner.cpp for a while, then kills it.
void run_and_kill(const fs::path& data, const fs::path& notes, std::chrono::milliseconds after) {
  std::string folder = data.string();
  std::string file = notes.string();
  std::string program = HWNAS_STORE_RUNNER;
  std::string threads = kThreads;
  char* arguments[] = {program.data(), folder.data(), file.data(), threads.data(), nullptr};
  pid_t process = -1;
  ASSERT_EQ(::posix_spawn(&process, HWNAS_STORE_RUNNER, nullptr, nullptr, arguments, environ), 0);
  std::this_thread::sleep_for(after);
  ::kill(process, SIGKILL);
  int status = 0;
  ::waitpid(process, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the runner ended by itself";
}

/// What a request was acknowledged to have done: "created", "running", "told".
struct Acknowledged {
  std::int64_t uid = 0;
  std::string step;
};

std::map<std::string, Acknowledged> read_notes(const fs::path& file) {
  std::map<std::string, Acknowledged> notes;
  std::ifstream lines(file);
  std::string step;
  std::string request;
  for (std::int64_t uid = 0; lines >> step >> request >> uid;) {
    Acknowledged& note = notes[request];
    EXPECT_TRUE(note.uid == 0 || note.uid == uid) << request << " was answered in two ways";
    note = {uid, std::max(note.step, step)};  // by good luck they are in the order of the alphabet
  }
  return notes;
}

void check(const JobStore& store, const std::map<std::string, Acknowledged>& notes) {
  std::map<std::string, JobRecord> jobs;
  JobQuery query;
  query.tenant = "acme";
  query.page_size = 1000;
  for (const JobRecord& job : list_all(store, query)) {
    EXPECT_TRUE(jobs.emplace(job.display_name, job).second)
        << job.display_name << " is there twice";
  }
  for (const auto& [request, note] : notes) {
    const auto found = jobs.find(request);
    ASSERT_NE(found, jobs.end()) << request << " was acknowledged and is lost";
    const JobRecord& job = found->second;
    EXPECT_EQ(job.uid, note.uid);
    if (note.step != "created") {
      EXPECT_EQ(job.state, JobState::kRunning) << request;
    }
    if (note.step == "told") {
      const auto events = store.read().events(job.uid, job.revision, 10);
      ASSERT_EQ(events.size(), 1u) << request;
      EXPECT_EQ(events[0].payload, request);
    }
  }
  // Each thread may have been waiting for one answer when it was killed.
  EXPECT_LE(jobs.size(), notes.size() + std::stoul(kThreads));
}

// A program with the sanitizer needs longer to begin.
constexpr int kSlowdown = kHasAddressSanitizer ? 10 : 1;

TEST(Crash, KilledAtAnyInstantTheStoreLosesNothingAcknowledgedAndDoesNothingTwice) {
  const TemporaryFolder folder;
  Rng rng(1);
  std::map<std::string, Acknowledged> notes;
  for (int kill = 0; kill < kills_wanted() && !HasFailure(); ++kill) {
    SCOPED_TRACE(kill);
    // A folder is filled by ten processes, so that the checks stay short.
    const auto data = folder / fmt::format("data{}", kill / 10);
    const auto file = folder / fmt::format("notes{}", kill / 10);
    run_and_kill(data, file, std::chrono::milliseconds(kSlowdown * (5 + rng.index(60))));
    notes = read_notes(file);
    check(SampleJobStore(data), notes);
  }
  EXPECT_GT(notes.size(), 10u) << "too little was done to prove anything";
}

}  // namespace
}  // namespace hwnas::service
