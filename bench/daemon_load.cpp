// hwnasd from outside:
//   daemon_load --figure get      99th percentile of GetSearchJob, in ms, while a search trains
//   daemon_load --figure streams  memory of the daemon with 1,000 idle streams of WatchSearchJob,
//   MB
//   daemon_load --figure restart  seconds from its start to its first answer, 100,000 events of
//                                 trials in its store, which it was killed with
// The last line is the figure. `hwnasd` and `hwnas-train` are those beside the bench's folder, or
// --programs.
#include <fmt/format.h>
#include <grpcpp/channel.h>
#include <sys/wait.h>
#include <unistd.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "bench/daemon_process.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/scratch_folder.hpp"
#include "service/job_store.hpp"

namespace {

using namespace hwnas;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;
using Stub = v1::SearchService::Stub;

constexpr auto kMeasured = 30s;
constexpr int kStreams = 1000;
constexpr int kStreamsOfConnection = 100;  // below the daemon's limit

constexpr const char* kExperiment = R"(version: 1
name: load
data: { name: fashion_mnist }
space: { family: nasbench201, cells_per_stage: 1 }
device: { name: stm32f746, runtime: tflite_micro }
objectives: [ maximize val_top1, minimize latency_ms ]
search: { strategy: random, trials: 100 }
evaluator: { name: train, epochs: 10 }
)";

v1::SearchJob submit(Stub& stub, const std::string& id) {
  v1::CreateSearchJobRequest request;
  request.set_parent("tenants/acme");
  request.set_search_job_id(id);
  request.mutable_search_job()->set_experiment(kExperiment);
  grpc::ClientContext context;
  v1::SearchJob job;
  const grpc::Status status = stub.CreateSearchJob(&context, request, &job);
  if (!status.ok()) throw error(ErrorCode::kUnavailable, "{}", status.error_message());
  return job;
}

v1::SearchJob get(Stub& stub, const std::string& name) {
  v1::GetSearchJobRequest request;
  request.set_name(name);
  grpc::ClientContext context;
  v1::SearchJob job;
  const grpc::Status status = stub.GetSearchJob(&context, request, &job);
  if (!status.ok()) throw error(ErrorCode::kUnavailable, "{}", status.error_message());
  return job;
}

fs::path register_data(const ScratchFolder& scratch) {
  const fs::path folder = scratch.path() / "datasets";
  fs::create_directories(folder);
  write_file_atomically(folder / "fashion_mnist.yaml", "name: fashion_mnist\n");
  return folder;
}

double slowest_get(const ScratchFolder& scratch, const fs::path& programs) {
  const bench::DaemonProcess daemon(programs / "hwnasd", scratch.path() / "data",
                                    {"--datasets", register_data(scratch).string()});
  const auto stub = v1::SearchService::NewStub(daemon.connect());
  const std::string job = submit(*stub, "a").name();
  while (get(*stub, job).progress().planned_trials() == 0) {
    if (get(*stub, job).state() == v1::SearchJob::FAILED) {
      throw error(ErrorCode::kUnavailable, "{}", get(*stub, job).error().message());
    }
    std::this_thread::sleep_for(100ms);
  }
  std::vector<double> milliseconds;
  for (const auto start = Clock::now(); Clock::now() - start < kMeasured;) {
    const auto before = Clock::now();
    get(*stub, job);
    milliseconds.push_back(Milliseconds(Clock::now() - before).count());
  }
  if (get(*stub, job).state() != v1::SearchJob::RUNNING) {
    throw error(ErrorCode::kUnavailable, "the search ended while calls were measured");
  }
  std::ranges::sort(milliseconds);
  fmt::print("{} calls one after the other, median {:.2f} ms, slowest {:.2f} ms\n",
             milliseconds.size(), milliseconds[milliseconds.size() / 2], milliseconds.back());
  return milliseconds[milliseconds.size() * 99 / 100];
}

/// In the place of hwnas-train: does nothing.
fs::path make_sleeper(const ScratchFolder& scratch) {
  const fs::path sleeper = scratch.path() / "sleep";
  std::ofstream(sleeper) << "#!/bin/sh\nexec sleep 3600\n";
  fs::permissions(sleeper, fs::perms::owner_all);
  return sleeper;
}

/// Counts the streams that have received something.
class Arrivals {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, 60s, [&] { return count_ >= count; })) {
      throw error(ErrorCode::kUnavailable, "only {} of {} streams began", count_, count);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

class Stream final : public grpc::ClientReadReactor<v1::WatchSearchJobResponse> {
 public:
  Stream(Stub& stub, const std::string& job, Arrivals& begun, Arrivals& ended)
      : begun_(begun), ended_(ended) {
    request_.set_name(job);
    stub.async()->WatchSearchJob(&context_, &request_, this);
    StartRead(&message_);
    StartCall();
  }
  void cancel() { context_.TryCancel(); }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (!received_) begun_.add();
    received_ = true;
    StartRead(&message_);
  }
  void OnDone(const grpc::Status&) override { ended_.add(); }

 private:
  Arrivals& begun_;
  Arrivals& ended_;
  grpc::ClientContext context_;
  v1::WatchSearchJobRequest request_;
  v1::WatchSearchJobResponse message_;
  bool received_ = false;
};

double memory_of_streams(const ScratchFolder& scratch, const fs::path& programs) {
  const fs::path sleeper = make_sleeper(scratch);  // so that the streams are idle
  const bench::DaemonProcess daemon(
      programs / "hwnasd", scratch.path() / "data",
      {"--datasets", register_data(scratch).string(), "--program", sleeper.string()});
  std::vector<std::unique_ptr<Stub>> stubs;
  const std::string job = submit(*v1::SearchService::NewStub(daemon.connect()), "a").name();
  const double before = daemon.megabytes();
  Arrivals begun, ended;
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < kStreams; ++i) {
    if (i % kStreamsOfConnection == 0) {
      stubs.push_back(v1::SearchService::NewStub(daemon.connect()));
    }
    streams.push_back(std::make_unique<Stream>(*stubs.back(), job, begun, ended));
  }
  begun.wait_for(kStreams);
  std::this_thread::sleep_for(1s);
  const double with = daemon.megabytes();
  for (const auto& stream : streams) stream->cancel();
  ended.wait_for(kStreams);
  fmt::print("{:.0f} MB without streams\n", before);
  return with;
}

/// Ends without closing the store, as kill -9 does: what is written is in its log.
void fill_store(const fs::path& folder) {
  const pid_t child = ::fork();
  if (child == 0) {
    service::Store file(folder);
    service::JobStore store(file);
    for (int number = 0; number < 100; ++number) {
      service::NewJob job;
      job.name = {"acme", service::JobKind::kSearch, fmt::format("job{}", number)};
      job.specification = kExperiment;
      const auto uid = service::await<service::JobRecord>([&](auto done) {
                         store.create(job, {}, {}, done);
                       }).uid;
      const std::vector<service::NewEvent> events(1000, {"trial", std::string(300, 't')});
      service::await<std::int64_t>([&](auto done) { store.append_events(uid, events, "", done); });
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) throw error(ErrorCode::kUnavailable, "the store could not be filled");
}

double restart(const ScratchFolder& scratch, const fs::path& programs) {
  const fs::path data = scratch.path() / "data";
  fill_store(data);
  const fs::path sleeper = make_sleeper(scratch);
  const auto start = Clock::now();
  const bench::DaemonProcess daemon(
      programs / "hwnasd", data,
      {"--datasets", register_data(scratch).string(), "--program", sleeper.string()});
  get(*v1::SearchService::NewStub(daemon.connect()), "tenants/acme/searchJobs/job99");
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("hwnasd from outside");
  std::string figure;
  fs::path programs = fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "cli";
  app.add_option("--figure", figure)
      ->required()
      ->check(CLI::IsMember({"get", "streams", "restart"}));
  app.add_option("--programs", programs, "folder of hwnasd and hwnas-train");
  CLI11_PARSE(app, argc, argv);
  const ScratchFolder scratch;
  if (figure == "get") {
    fmt::print("{:.2f}\n", slowest_get(scratch, programs));
  } else if (figure == "restart") {
    fmt::print("{:.3f}\n", restart(scratch, programs));
  } else {
    fmt::print("{:.0f}\n", memory_of_streams(scratch, programs));
  }
} catch (const std::exception& failure) {
  fmt::print(stderr, "daemon_load: {}\n", failure.what());
  return 1;
}
