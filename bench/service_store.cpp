// What hwnasd's store of jobs does in a second, on the disk of the folder it is given.
//
//   build/release/bench/service_store --figure transitions
//
// transitions: changes of trials (a running job's trial proposed, ended), each durable before its
// thread makes the next one, from 8 threads in 5 s. Expected: at least 5,000 a second.
// submissions: jobs created in the same way, with a request id and 1 KiB to do. Expected: 5,000.
// restart: seconds until a store with 100,000 events of 100 jobs serves. Expected: at most 1.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "bench/call_rate.hpp"
#include "core/scratch_folder.hpp"
#include "service/job_store.hpp"

namespace {

using namespace hwnas;
using namespace hwnas::service;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr int kThreads = 8;
constexpr Seconds kDuration{5};
const std::string kTrial(300, 't');  // bytes of a trial's message with its metrics

JobRecord create(JobStore& store, int thread, int number) {
  NewJob job;
  job.name = {fmt::format("tenant{}", thread), JobKind::kSearch, fmt::format("job{}", number)};
  job.specification = std::string(1024, 's');
  const RequestKey request{fmt::format("request{}", number), "fingerprint"};
  return await<JobRecord>([&](auto done) { store.create(job, {}, request, done); });
}

void append(JobStore& store, std::int64_t uid, int count) {
  const std::vector<NewEvent> events(static_cast<std::size_t>(count), {"trial", kTrial});
  await<std::int64_t>([&](auto done) { store.append_events(uid, events, "cursor", done); });
}

/// Does `step` (thread, number) in a loop in each thread. See call_rate.
double rate_of(const std::function<void(int, int)>& step) {
  std::vector<std::vector<double>> milliseconds(kThreads);
  std::vector<std::thread> threads;
  const Clock::time_point start = Clock::now();
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; Clock::now() - start < kDuration; ++i) {
        const Clock::time_point before = Clock::now();
        step(thread, i);
        milliseconds[static_cast<std::size_t>(thread)].push_back(
            Seconds(Clock::now() - before).count() * 1e3);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return bench::call_rate(milliseconds, Seconds(Clock::now() - start).count());
}

double transitions(const fs::path& folder) {
  Store file(folder);
  JobStore store(file);
  std::vector<std::int64_t> uids;
  for (int thread = 0; thread < kThreads; ++thread) uids.push_back(create(store, thread, 0).uid);
  return rate_of(
      [&](int thread, int) { append(store, uids[static_cast<std::size_t>(thread)], 1); });
}

double submissions(const fs::path& folder) {
  Store file(folder);
  JobStore store(file);
  return rate_of([&](int thread, int number) { create(store, thread, number); });
}

double restart(const fs::path& folder) {
  const fs::path killed = folder / "killed";
  {
    Store file(folder);
    JobStore store(file);
    for (int job = 0; job < 100; ++job) {
      const std::int64_t uid = create(store, job, 0).uid;
      for (int i = 0; i < 10; ++i) append(store, uid, 100);
    }
    // As after kill -9: with the log, which a proper end would have taken into the file.
    fs::create_directory(killed);
    for (const char* name : {"service.db", "service.db-wal"}) {
      fs::copy_file(folder / name, killed / name);
    }
  }
  const Clock::time_point start = Clock::now();
  Store file(killed);
  JobStore store(file);
  const std::size_t jobs = store.read().unfinished().size();
  create(store, 0, 1);
  const double seconds = Seconds(Clock::now() - start).count();
  fmt::print("{} jobs, {} events\n", jobs, store.read().last_revision() - 101);
  return seconds;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("Durable changes a second in hwnasd's store of jobs");
  std::string figure = "transitions";
  fs::path parent = fs::current_path();
  app.add_option("--figure", figure)
      ->check(CLI::IsMember({"transitions", "submissions", "restart"}));
  app.add_option("--folder", parent, "on the disk to be used");
  CLI11_PARSE(app, argc, argv);
  const ScratchFolder folder(parent);
  if (figure == "restart") {
    fmt::print("{:.3f}\n", restart(folder.path()));
  } else {
    fmt::print("{:.0f}\n",
               figure == "transitions" ? transitions(folder.path()) : submissions(folder.path()));
  }
  return 0;
} catch (const hwnas::Error& failure) {
  fmt::print(stderr, "service_store: {}\n", failure.what());
  return 1;
}
