// store_runner FOLDER ACKNOWLEDGED THREADS: threads that create jobs, start them and log an event
// of each, for ever, and note in the file ACKNOWLEDGED what the store has acknowledged. Started
// again, each thread first repeats the request whose answer it may have missed. Killed by
// crash_test.cpp.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/service/sample_jobs.hpp"

namespace {

using namespace hwnas::service;

/// Lines that outlive the process.
class Notes {
 public:
  explicit Notes(const char* file)
      : file_(::open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}
  void add(const std::string& line) const {
    if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(3);
  }

 private:
  int file_;
};

/// The last request of a thread that has been acknowledged; 0 if none has.
int last_acknowledged(const char* file, int thread) {
  std::ifstream lines(file);
  int last = 0;
  std::string step;
  char dash = 0;
  int owner = 0;
  int request = 0;
  for (std::int64_t uid = 0; lines >> step >> owner >> dash >> request >> uid;) {
    if (owner == thread) last = std::max(last, request);
  }
  return last;
}

void work(JobStore& store, const Notes& notes, int thread, int first) {
  for (int i = first;; ++i) {
    const std::string request = fmt::format("{}-{}", thread, i);
    // Another id at each try, so that a request that is done twice shows as two jobs.
    NewJob job = new_job(fmt::format("{}-{}", request, ::getpid()));
    job.display_name = request;
    const JobRecord created = create(store, job, {request, "print"});
    notes.add(fmt::format("created {} {}\n", request, created.uid));
    if (store.read().job(created.uid).state == JobState::kQueued) {
      change(store, created.uid, {.to = JobState::kRunning});
    }
    notes.add(fmt::format("running {} {}\n", request, created.uid));
    if (store.read().job(created.uid).cursor.empty()) {
      append(store, created.uid, {{"trial", request}}, "trial 0");
    }
    notes.add(fmt::format("told {} {}\n", request, created.uid));
  }
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 4) return 2;
  const int threads = std::stoi(arguments[3]);
  const Notes notes(arguments[2]);
  SampleJobStore store(arguments[1]);
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread) {
    // That one was perhaps not brought to its end.
    const int first = last_acknowledged(arguments[2], thread);
    running.emplace_back([&, thread, first] { work(store, notes, thread, first); });
  }
  for (std::thread& thread : running) thread.join();
} catch (const std::exception& failure) {
  fmt::print(stderr, "{}\n", failure.what());
  return 1;
}
