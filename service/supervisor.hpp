#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "service/fair_queue.hpp"
#include "service/job_process.hpp"
#include "service/job_store.hpp"
#include "service/submission.hpp"

namespace hwnas::service {

/// The latency of a device, learned from what was reported up to now.
struct LearnedDevice {
  std::string model;   ///< text of an estimators::LatencyModel
  std::string source;  ///< what it was learned from, for people
};

/// What was learned of the devices that tenants' experiments are for. Empty functions: nothing.
struct LearnedDevices {
  /// False while it is being learned, which the call begins: ask again.
  std::function<bool(const std::string& tenant, const engine::Experiment&)> is_ready = {};
  /// Waits until it is. Nothing: the profile is all that is known.
  std::function<std::optional<LearnedDevice>(const std::string& tenant, const engine::Experiment&)>
      find = {};
};

struct SupervisorOptions {
  std::filesystem::path folder;      ///< of the daemon's data
  std::vector<std::string> program;  ///< hwnas-train's path, and arguments in front of its own
  int max_running = 1;
  int max_running_of_tenant = 1;
  int workers = 1;  ///< of a job: what its `execution` says counts for nothing here
  JobLimits limits = {};
  TenantQuota quota = {};
  /// Of each start of a job; then it stores what it has found and has FAILED. 0: no limit.
  std::chrono::seconds run_time{0};
  /// What a process has for storing what it has found, before it is killed.
  std::chrono::milliseconds grace{60'000};
  /// Before a process is started again that has found something wanting.
  std::chrono::milliseconds retry_after{2'000};
  std::chrono::milliseconds poll_every{100};
  /// How often what jobs have used is stored.
  std::chrono::milliseconds record_use_every{10'000};
  LearnedDevices devices = {};
  /// Before it is looked again whether a tenant has processor time left.
  std::chrono::milliseconds quota_again_after{60'000};
};

/// Where a job's files are; by number, since names are the clients'.
std::filesystem::path job_folder(const std::filesystem::path& data_folder, std::int64_t uid);
std::filesystem::path run_folder(const std::filesystem::path& data_folder, std::int64_t uid);

/// Runs the jobs of the store, each in a process of its own, on a thread that no call waits for. It
/// acts on nothing but what the store holds: a job that is QUEUED waits for its turn, one that is
/// RUNNING without a process (after a crash) is resumed, one that is CANCELLING is asked to stop,
/// the files of one that is deleted go. What a run finds becomes events (see RunFeed), all of them
/// before the job's final state.
class Supervisor {
 public:
  /// Goes on with the jobs that the store has. `store` and `datasets` outlive it. Throws what the
  /// store does.
  Supervisor(JobStore& store, const Datasets& datasets, SupervisorOptions options);
  /// drain().
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// That these jobs have new events. Thread-safe and quick.
  void notify(const std::vector<std::int64_t>& uids);
  /// Starts nothing more, and lets what runs store what it has found; it stays RUNNING, for the
  /// next start of the daemon. Returns when all processes have ended.
  void drain();

 private:
  using Clock = std::chrono::steady_clock;
  struct Running;

  void serve();
  void wait_for_news();
  void take_up(const JobRecord& job);
  void look_at(std::int64_t uid);
  void start_waiting();
  std::optional<std::int64_t> next();
  void start(std::int64_t uid);
  void launch(const JobRecord& started);
  void put_back(const JobRecord& job, const std::string& why);
  bool is_ready(const JobRecord& job) const;
  std::vector<std::string> command_of(const JobRecord& job) const;
  void add_learned(Submission& submission, const JobRecord& job) const;
  void stop(Running& running);
  bool watch(Running& running);
  void feed(Running& running, bool always);
  void record_use(Running& running);
  bool conclude(Running& running, const ProcessExit& exit);
  void remove_files(std::int64_t uid) const;
  void remove_files_of_deleted() const;

  JobStore& store_;
  const Datasets& datasets_;
  const SupervisorOptions options_;

  std::mutex mutex_;
  std::condition_variable news_;
  std::set<std::int64_t> touched_;  // guarded by mutex_, as is draining_
  bool draining_ = false;

  // The thread's own.
  std::deque<std::int64_t> interrupted_;  // RUNNING in the store, without a process
  std::map<std::int64_t, Clock::time_point> delayed_;
  FairQueue queue_;
  std::map<std::int64_t, std::unique_ptr<Running>> running_;
  std::thread thread_;
};

}  // namespace hwnas::service
