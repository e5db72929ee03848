#include "service/supervisor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/text.hpp"
#include "engine/profile_files.hpp"
#include "service/compression_command.hpp"
#include "service/error_status.hpp"
#include "service/log.hpp"
#include "service/run_feed.hpp"
#include "service/verdict.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModelFile = "device.latency.json";
constexpr int kMaxDoublings = 8;  // of the time before a job is tried again
// Reading a run takes longer the more trials it has: at most a fifth of the time goes there.
constexpr int kShareOfReading = 5;

JobRecord change_state(JobStore& store, std::int64_t uid, const StateChange& change) {
  return await<JobRecord>([&](auto done) { store.change_state(uid, change, std::move(done)); });
}

/// Of all files in a folder and below.
std::int64_t bytes_in(const fs::path& folder) {
  std::int64_t bytes = 0;
  std::error_code vanished;  // while they are counted
  for (fs::recursive_directory_iterator entry(folder, vanished), end; entry != end;
       entry.increment(vanished)) {
    const auto size = entry->is_regular_file(vanished) ? entry->file_size(vanished) : 0;
    if (!vanished) bytes += static_cast<std::int64_t>(size);
  }
  return bytes;
}

}  // namespace

fs::path job_folder(const fs::path& data_folder, std::int64_t uid) {
  return data_folder / "jobs" / std::to_string(uid);
}

fs::path run_folder(const fs::path& data_folder, std::int64_t uid) {
  return job_folder(data_folder, uid) / "run";
}

struct Supervisor::Running {
  std::int64_t uid = 0;
  JobName name;
  fs::path log;
  std::optional<RunFeed> feed;
  JobProcess process;
  bool cancelled = false;
  bool overtime = false;
  Clock::time_point started = Clock::now();
  std::optional<Clock::time_point> kill_at = {};
  Clock::time_point read_at = {};
  double cpu_seconds_told = 0;
  Clock::time_point use_told = Clock::now();
};

Supervisor::Supervisor(JobStore& store, const Datasets& datasets, SupervisorOptions options)
    : store_(store), datasets_(datasets), options_(std::move(options)) {
  fs::create_directories(options_.folder / "jobs");
  remove_files_of_deleted();
  for (const JobRecord& job : store_.read().unfinished()) take_up(job);
  // On the thread that starts processes: they are killed when that one ends.
  thread_ = std::thread([this] { serve(); });
}

Supervisor::~Supervisor() {
  drain();
}

void Supervisor::notify(const std::vector<std::int64_t>& uids) {
  {
    const std::lock_guard lock(mutex_);
    touched_.insert(uids.begin(), uids.end());
  }
  news_.notify_one();
}

void Supervisor::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  news_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Supervisor::serve() {
  bool draining = false;
  while (!draining || !running_.empty()) {
    try {
      start_waiting();
      wait_for_news();
      std::set<std::int64_t> touched;
      {
        const std::lock_guard lock(mutex_);
        touched.swap(touched_);
        draining = draining_;
      }
      for (const std::int64_t uid : touched) look_at(uid);
      for (auto& [uid, running] : running_) {
        if (draining) stop(*running);
      }
      std::erase_if(running_, [&](auto& entry) { return watch(*entry.second); });
    } catch (const std::exception& failure) {
      // The store, most likely, whose disk is full: all is tried again.
      log_event(LogLevel::kError, "supervisor_failed", {{"message", failure.what()}});
      std::this_thread::sleep_for(options_.poll_every);
    }
  }
}

void Supervisor::wait_for_news() {
  std::unique_lock lock(mutex_);
  const auto news = [&] { return !touched_.empty() || (draining_ && running_.empty()); };
  if (running_.empty() && delayed_.empty()) {
    news_.wait(lock, news);
  } else {
    news_.wait_for(lock, options_.poll_every, news);
  }
}

/// A job that the store has, and this object has not met.
void Supervisor::take_up(const JobRecord& job) {
  switch (job.state) {
    case JobState::kQueued:
      if (!delayed_.contains(job.uid)) queue_.push(job.name.tenant, job.priority, job.uid);
      return;
    case JobState::kRunning:
      interrupted_.push_back(job.uid);
      return;
    case JobState::kCancelling:
      // Its process went with the daemon, and has stored what it had found.
      change_state(store_, job.uid, {.to = JobState::kCancelled});
      return;
    default:
      return;
  }
}

void Supervisor::look_at(std::int64_t uid) {
  const auto running = running_.find(uid);
  try {
    const JobRecord job = store_.read().job(uid);
    if (running == running_.end()) {
      if (is_final(job.state)) queue_.erase(uid);
      if (job.state == JobState::kQueued || job.state == JobState::kCancelling) take_up(job);
    } else if (job.state == JobState::kCancelling) {
      running->second->cancelled = true;
      stop(*running->second);
    }
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kNotFound) throw;
    queue_.erase(uid);
    remove_files(uid);
  }
}

void Supervisor::start_waiting() {
  {
    const std::lock_guard lock(mutex_);
    if (draining_) return;
  }
  const Clock::time_point now = Clock::now();
  for (auto entry = delayed_.begin(); entry != delayed_.end();) {
    if (entry->second > now) {
      ++entry;
      continue;
    }
    const std::int64_t uid = entry->first;
    entry = delayed_.erase(entry);
    notify({uid});
  }
  while (static_cast<int>(running_.size()) < options_.max_running) {
    const auto uid = next();
    if (!uid) return;
    start(*uid);
  }
}

std::optional<std::int64_t> Supervisor::next() {
  if (!interrupted_.empty()) {
    const std::int64_t uid = interrupted_.front();
    interrupted_.pop_front();
    return uid;
  }
  std::map<std::string, int> running;
  for (const auto& [uid, job] : running_) ++running[job->name.tenant];
  return queue_.pop(running, options_.max_running_of_tenant);
}

void Supervisor::start(std::int64_t uid) {
  try {
    const JobRecord job = store_.read().job(uid);
    store_.read().require_cpu_time(job.name.tenant, options_.quota);
    if (!is_ready(job)) {
      delayed_[uid] = Clock::now() + options_.poll_every;
      return;
    }
    launch(change_state(store_, uid, {.to = JobState::kRunning}));
  } catch (const QuotaExceeded&) {
    delayed_[uid] = Clock::now() + options_.quota_again_after;
  } catch (const Error& failure) {
    // Cancelled or deleted at the last moment; anything else is the store's, and passes.
    if (failure.code() == ErrorCode::kFailedPrecondition ||
        failure.code() == ErrorCode::kNotFound) {
      return;
    }
    interrupted_.push_front(uid);
    throw;
  }
}

void Supervisor::launch(const JobRecord& started) {
  const std::int64_t uid = started.uid;
  try {
    const JobRecord job = store_.read().job(uid);
    const std::vector<std::string> command = command_of(job);
    const fs::path log = job_folder(options_.folder, uid) / "log";
    running_[uid].reset(
        new Running{.uid = uid,
                    .name = job.name,
                    .log = log,
                    .feed = std::optional<RunFeed>(std::in_place, run_folder(options_.folder, uid),
                                                   job.name, job.cursor),
                    .process{command, log, options_.limits}});
    log_event("job_started", {{"job", job.name.text()},
                              {"attempt", job.attempts},
                              {"process", running_[uid]->process.pid()}});
  } catch (const Error& failure) {
    running_.erase(uid);
    if (failure.code() == ErrorCode::kResourceExhausted ||
        failure.code() == ErrorCode::kUnavailable) {
      return put_back(started, failure.what());
    }
    change_state(store_, uid,
                 {JobState::kFailed, code_of(std::current_exception()), one_line(failure.what())});
  }
}

/// Whether it can start at once: what was measured on its device has been learned from. One that
/// was interrupted does not wait for its turn again.
bool Supervisor::is_ready(const JobRecord& job) const {
  if (!options_.devices.is_ready || job.name.kind != JobKind::kSearch ||
      job.state != JobState::kQueued || engine::holds_run(run_folder(options_.folder, job.uid))) {
    return true;
  }
  try {
    const Submission submission = read_submission(job.specification, datasets_.of(job.name.tenant));
    return options_.devices.is_ready(job.name.tenant, submission.experiment);
  } catch (const Error&) {
    return true;  // which its start says
  }
}

/// Puts the model of the device's latency beside the experiment's file.
void Supervisor::add_learned(Submission& submission, const JobRecord& job) const {
  const Config& device = submission.config.at("device");
  if (!options_.devices.find || !device.has("profile")) return;
  const auto learned = options_.devices.find(job.name.tenant, submission.experiment);
  if (!learned) return;
  write_file_atomically(job_folder(options_.folder, job.uid) / kModelFile, learned->model);
  const Config profile =
      engine::with_latency_model(device.at("profile"), submission.experiment.runtime, kModelFile,
                                 learned->model, learned->source);
  submission.config.set("device.profile", profile.to_yaml());
}

/// Also writes the experiment's file, unless there is a run to go on with.
std::vector<std::string> Supervisor::command_of(const JobRecord& job) const {
  const fs::path run = run_folder(options_.folder, job.uid);
  std::vector<std::string> command = options_.program;
  if (job.name.kind == JobKind::kCompression) {
    const std::vector<std::string> compression =
        compression_command(job, options_.folder, datasets_.of(job.name.tenant), options_.workers);
    command.insert(command.end(), compression.begin(), compression.end());
    return command;
  }
  if (engine::holds_run(run)) {
    command.insert(command.end(), {"resume", run.string(), "--json"});
    return command;
  }
  Submission submission = read_submission(job.specification, datasets_.of(job.name.tenant));
  submission.config.set("execution", fmt::format("{{ workers: {} }}", options_.workers));
  const fs::path file = job_folder(options_.folder, job.uid) / "experiment.yaml";
  fs::create_directories(file.parent_path());
  add_learned(submission, job);
  write_file_atomically(file, submission.config.to_yaml());
  command.insert(command.end(), {"run", file.string(), "--folder", run.string(), "--json"});
  return command;
}

void Supervisor::stop(Running& running) {
  if (running.kill_at) return;
  running.process.terminate();
  running.kill_at = Clock::now() + options_.grace;
}

/// True if the job needs no more watching.
bool Supervisor::watch(Running& running) {
  // Asked for before the run is read, so that what it wrote last is read, too.
  const std::optional<ProcessExit> exit = running.process.poll();
  const Clock::time_point now = Clock::now();
  if (!exit && running.kill_at && now >= *running.kill_at) running.process.kill();
  if (options_.run_time.count() != 0 && now >= running.started + options_.run_time) {
    running.overtime = true;
    stop(running);
  }
  if (exit || now >= running.read_at) {
    feed(running, exit.has_value());
    running.read_at =
        Clock::now() +
        std::max<Clock::duration>(options_.poll_every, kShareOfReading * (Clock::now() - now));
  }
  if (exit || now >= running.use_told + options_.record_use_every) record_use(running);
  return exit && conclude(running, *exit);
}

void Supervisor::record_use(Running& running) {
  const double cpu_seconds = running.process.cpu_seconds();
  const JobUse use{.cpu_seconds = cpu_seconds - running.cpu_seconds_told,
                   .bytes = bytes_in(job_folder(options_.folder, running.uid))};
  await<std::monostate>([&](auto done) { store_.record_use(running.uid, use, std::move(done)); });
  running.cpu_seconds_told = cpu_seconds;
  running.use_told = Clock::now();
}

void Supervisor::feed(Running& running, bool always) {
  std::optional<FeedUpdate> update;
  try {
    update = running.feed->poll(always);
  } catch (const Error& failure) {
    // The process says the same when it reads its run, and that decides.
    log_event(LogLevel::kError, "run_unreadable",
              {{"job", running.name.text()}, {"message", failure.what()}});
  }
  if (!update) return;
  try {
    await<std::int64_t>([&](auto done) {
      store_.append_events(running.uid, std::move(update->events), std::move(update->cursor),
                           std::move(done));
    });
  } catch (const Error&) {
    const std::string told = store_.read().job(running.uid).cursor;
    running.feed.emplace(run_folder(options_.folder, running.uid), running.name, told);
    throw;
  }
}

bool Supervisor::conclude(Running& running, const ProcessExit& exit) {
  const Stop asked = running.cancelled  ? Stop::kCancelled
                     : running.overtime ? Stop::kOvertime
                                        : Stop::kNotAsked;
  const std::optional<StateChange> change = judge(exit, asked, last_message(running.log));
  {
    const std::lock_guard lock(mutex_);
    // Killed or interrupted by the drain: as after a crash, it goes on at the next start.
    if (draining_ && asked == Stop::kNotAsked && (!change || exit.signal != 0)) return true;
  }
  if (change) {
    const JobRecord job = change_state(store_, running.uid, *change);
    log_event(
        "job_ended",
        {{"job", job.name.text()}, {"state", to_string(job.state)}, {"message", job.failure}});
    return true;
  }
  put_back(store_.read().job(running.uid), last_message(running.log));
  return true;
}

/// It waits for its turn again, the longer the more often it has been started.
void Supervisor::put_back(const JobRecord& job, const std::string& why) {
  delayed_[job.uid] =
      Clock::now() + options_.retry_after * (1 << std::min(job.attempts - 1, kMaxDoublings));
  change_state(store_, job.uid, {.to = JobState::kQueued});
  log_event("job_put_back", {{"job", job.name.text()}, {"message", why}});
}

void Supervisor::remove_files(std::int64_t uid) const {
  std::error_code failed;
  fs::remove_all(job_folder(options_.folder, uid), failed);
  if (failed)
    log_event(LogLevel::kWarning, "files_not_removed",
              {{"uid", uid}, {"message", failed.message()}});
}

/// What a crash between the deletion of a job and that of its files has left.
void Supervisor::remove_files_of_deleted() const {
  for (const auto& entry : fs::directory_iterator(options_.folder / "jobs")) {
    const auto uid = parse_integer(entry.path().filename().string());
    if (!uid) continue;
    try {
      store_.read().job(*uid);
    } catch (const Error& failure) {
      if (failure.code() == ErrorCode::kNotFound) remove_files(*uid);
    }
  }
}

}  // namespace hwnas::service
