#include "service/page_data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/config.hpp"
#include "core/error.hpp"
#include "engine/config_files.hpp"
#include "service/job_rows.hpp"
#include "service/log.hpp"
#include "service/page_trials.hpp"
#include "service/run_feed.hpp"
#include "service/supervisor.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using engine::Statement;
using nlohmann::json;

constexpr int kMaxUnfinished = 200;
constexpr int kMaxNewest = 100;
constexpr int kMaxDevices = 200;
constexpr std::size_t kMaxFacts = 10'000;
constexpr std::size_t kMaxTextBytes = 500;

json seconds_of(const std::optional<Time>& time) {
  return time ? json(static_cast<double>(time->time_since_epoch().count()) / 1e6) : json();
}

double seconds_of(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9;
}

json progress_json(const v1::SearchProgress& progress) {
  return {
      {"stage", progress.stage()},
      {"evaluated", progress.evaluated_trials()},
      {"planned", progress.planned_trials()},
      {"infeasible", progress.infeasible_trials()},
      {"failed", progress.failed_trials()},
      {"front", progress.front_size()},
      {"run_seconds", seconds_of(progress.run_time())},
      {"left_seconds", progress.has_time_left() ? json(seconds_of(progress.time_left())) : json()}};
}

std::vector<PageDevice> built_in_devices() {
  const fs::path none = "/";  // not beside an experiment
  std::vector<PageDevice> devices;
  for (const std::string& name : engine::device_names(none)) {
    const auto profile = estimators::load_device(engine::device_file(name, none));
    PageDevice device{.tenant = {}, .name = name, .summary = profile.summary, .runtimes = {}};
    for (const auto& runtime : profile.runtimes) device.runtimes.push_back(runtime.name);
    devices.push_back(std::move(device));
  }
  return devices;
}

std::string quoted(const std::string& text) {
  return "\"" + text + "\"";
}

/// Of `tenant`, or of all if it is empty.
std::vector<JobRecord> jobs_of(const Store& store, const std::string& tenant) {
  const Store::Lease database(store);
  std::vector<JobRecord> jobs;
  const auto add = [&](const char* condition, const char* order, int most) {
    Statement row = database->query(
        fmt::format("SELECT {} FROM job WHERE (?1 = '' OR tenant = ?1) AND {} ORDER BY {} LIMIT ?2",
                    kJobColumnsWithoutSpecification, condition, order),
        tenant, most);
    while (row.next()) jobs.push_back(read_job(row));
  };
  constexpr const char* kUnfinished = "state IN ('QUEUED', 'RUNNING', 'CANCELLING')";
  constexpr const char* kFinal = "state IN ('SUCCEEDED', 'FAILED', 'CANCELLED')";
  add(kUnfinished, "state = 'QUEUED', uid", kMaxUnfinished);
  add(kFinal, "uid DESC", kMaxNewest);
  return jobs;
}

std::vector<PageDevice> registered_devices(const Store& store, const std::string& tenant) {
  const Store::Lease database(store);
  std::vector<PageDevice> devices;
  Statement row = database->query(
      "SELECT tenant, id, display_name, measurements, runtimes FROM device"
      " WHERE (?1 = '' OR tenant = ?1) ORDER BY uid DESC LIMIT ?2",
      tenant, kMaxDevices);
  while (row.next()) {
    PageDevice device{.tenant = row.text(0), .name = row.text(1), .summary = {}, .runtimes = {}};
    device.summary = fmt::format("{}{}{} measurements", row.text(2),
                                 row.text(2).empty() ? "" : ", ", row.integer(3));
    device.runtimes = json::parse(row.text(4)).get<std::vector<std::string>>();
    devices.push_back(std::move(device));
  }
  return devices;
}

/// Changes with every job and device.
std::string overview_etag(const Store& store, const std::string& tenant) {
  const Store::Lease database(store);
  Statement row = database->query(
      "SELECT (SELECT COALESCE(MAX(revision), 0) FROM event), COUNT(*),"
      " COALESCE(MAX(uid), 0), COALESCE(SUM(measurements), 0) FROM device");
  row.next();
  return quoted(fmt::format("{}-{}-{}-{}-{}", row.integer(0), row.integer(1), row.integer(2),
                            row.integer(3), tenant));
}

json states_of(const Store& store, const std::string& tenant) {
  const Store::Lease database(store);
  json states = json::object();
  Statement row = database->query(
      "SELECT state, COUNT(*) FROM job WHERE (?1 = '' OR tenant = ?1) GROUP BY state", tenant);
  while (row.next()) states[row.text(0)] = row.integer(1);
  return states;
}

}  // namespace

/// What a search's experiment says; empty where it says nothing.
struct PageData::Facts {
  std::string experiment;
  std::string device;
  bool is_own_device = false;  // of the tenant's, by its profile
  std::string runtime;
  std::string strategy;
  std::string space;
};

PageData::PageData(const Store& store, const JobReader& jobs, fs::path folder)
    : store_(store), jobs_(jobs), folder_(std::move(folder)), built_in_(built_in_devices()) {}

PageData::Answer PageData::overview(const Caller& caller, const std::string& known_etag) const {
  Answer answer;
  answer.etag = overview_etag(store_, caller.tenant);
  if (answer.etag == known_etag) return answer;
  const std::vector<JobRecord> jobs = jobs_of(store_, caller.tenant);
  json list = json::array();
  for (const JobRecord& job : jobs) list.push_back(job_json(job));
  const json page{{"caller", caller.tenant.empty() ? "operator" : "tenants/" + caller.tenant},
                  {"version", HWNAS_VERSION},
                  {"states", states_of(store_, caller.tenant)},
                  {"jobs", std::move(list)},
                  {"devices", devices_json(caller, jobs)}};
  answer.json = page.dump(-1, ' ', false, json::error_handler_t::replace);
  return answer;
}

PageData::Answer PageData::job(const Caller& caller, std::int64_t uid,
                               const std::string& known_etag) const {
  const JobRecord job = jobs_.job(uid);
  if (!caller.tenant.empty() && caller.tenant != job.name.tenant) {
    throw error(ErrorCode::kNotFound, "no such job");
  }
  Answer answer;
  {
    const Store::Lease database(store_);
    Statement row = database->query("SELECT MAX(revision) FROM event WHERE uid = ?1", uid);
    row.next();
    answer.etag = quoted(fmt::format("{}-{}", uid, row.integer(0)));
  }
  if (answer.etag == known_etag) return answer;
  json page{{"job", job_json(job)}};
  const fs::path run = run_folder(folder_, uid);
  if (engine::holds_run(run)) page.update(run_json(run));
  answer.json = page.dump(-1, ' ', false, json::error_handler_t::replace);
  return answer;
}

std::shared_ptr<const PageData::Facts> PageData::facts_of(const JobRecord& job) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = facts_.find(job.uid);
    if (found != facts_.end()) return found->second;
  }
  auto facts = std::make_shared<Facts>();
  if (job.name.kind == JobKind::kSearch) {
    // Not the whole experiment: that would be read for every job of a list.
    const Config text = Config::parse(jobs_.job(job.uid).specification, "experiment");
    const auto section = [&](const Config& map, const char* key) -> const Config& {
      static const Config kNothing;
      const Config* found = map.find(key);
      return found != nullptr && found->kind() == Config::Kind::kMap ? *found : kNothing;
    };
    const auto get = [](const Config& map, const char* key) {
      return map.kind() == Config::Kind::kMap ? map.string_or(key, "") : "";
    };
    const Config& device = section(text, "device");
    const Config& profile = device.is_null() ? device : section(device, "profile");
    *facts = {.experiment = get(text, "name"),
              .device = profile.is_null() ? get(device, "name") : get(profile, "name"),
              .is_own_device = !profile.is_null(),
              .runtime = get(device, "runtime"),
              .strategy = get(section(text, "search"), "strategy"),
              .space = get(section(text, "space"), "family")};
  }
  const std::lock_guard lock(mutex_);
  if (facts_.size() >= kMaxFacts) facts_.clear();
  return facts_[job.uid] = std::move(facts);
}

json PageData::job_json(const JobRecord& job) const {
  const auto facts = facts_of(job);
  return {{"uid", job.uid},
          {"name", job.name.text()},
          {"tenant", job.name.tenant},
          {"id", job.name.id},
          {"display_name", job.display_name},
          {"state", to_string(job.state)},
          {"priority", job.priority},
          {"attempts", job.attempts},
          {"create_time", seconds_of(job.create_time)},
          {"start_time", seconds_of(job.start_time)},
          {"end_time", seconds_of(job.end_time)},
          {"failure", cut(job.failure, kMaxTextBytes)},
          {"experiment", facts->experiment},
          {"device", facts->device},
          {"runtime", facts->runtime},
          {"strategy", facts->strategy},
          {"space", facts->space},
          {"progress",
           job.cursor.empty() ? json() : progress_json(FeedCursor::parse(job.cursor).progress)}};
}

/// Those that jobs use first.
json PageData::devices_json(const Caller& caller, const std::vector<JobRecord>& jobs) const {
  std::vector<PageDevice> devices = registered_devices(store_, caller.tenant);
  devices.insert(devices.end(), built_in_.begin(), built_in_.end());
  struct Use {
    int running = 0, queued = 0, ended = 0;
  };
  std::map<std::pair<std::string, std::string>, Use> uses;  // by tenant and name
  for (const JobRecord& job : jobs) {
    const auto facts = facts_of(job);
    if (facts->device.empty()) continue;
    const std::string tenant = facts->is_own_device ? job.name.tenant : "";
    const auto [use, is_new] = uses.try_emplace({tenant, facts->device});
    ++(is_final(job.state)              ? use->second.ended
       : job.state == JobState::kQueued ? use->second.queued
                                        : use->second.running);
    const bool is_known = std::ranges::any_of(devices, [&](const PageDevice& device) {
      return device.tenant == tenant && device.name == facts->device;
    });
    if (!is_known) devices.push_back({tenant, facts->device, "given with a job", {facts->runtime}});
  }
  const auto use_of = [&](const PageDevice& device) { return uses[{device.tenant, device.name}]; };
  std::ranges::stable_sort(devices, std::greater(), [&](const PageDevice& device) {
    const Use use = use_of(device);
    return std::tuple(use.running, use.queued, use.ended);
  });
  json list = json::array();
  for (const PageDevice& device : devices) {
    const Use use = use_of(device);
    list.push_back({{"tenant", device.tenant},
                    {"name", device.name},
                    {"summary", device.summary},
                    {"runtimes", device.runtimes},
                    {"running", use.running},
                    {"queued", use.queued},
                    {"ended", use.ended}});
  }
  return list;
}

}  // namespace hwnas::service
