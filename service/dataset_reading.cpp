#include "service/dataset_reading.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "core/error.hpp"
#include "core/file.hpp"
#include "service/error_status.hpp"
#include "service/verdict.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollEvery{10};
constexpr std::uintmax_t kMaxFactsBytes = 4096;
// Exit codes of docs/cli.md.
constexpr int kUsage = 2;
constexpr int kNotFound = 3;

DatasetFacts facts_from(const fs::path& file) {
  try {
    const auto object = nlohmann::json::parse(read_file(file, kMaxFactsBytes));
    return {.channels = object.at("shape").at(0),
            .height = object.at("shape").at(1),
            .width = object.at("shape").at(2),
            .classes = object.at("classes"),
            .train_samples = object.at("train_samples"),
            .test_samples = object.at("test_samples")};
  } catch (const nlohmann::json::exception& fault) {
    throw error(ErrorCode::kInternal, "the facts of a data set cannot be read: {}", fault.what());
  }
}

/// What the process said last. A place in the file of options is none that the tenant knows.
std::string message_in(const fs::path& log, const fs::path& options) {
  constexpr std::string_view kProgramName = "hwnasd: ";
  std::string message = last_message(log);
  if (message.starts_with(kProgramName)) message.erase(0, kProgramName.size());
  return place_of_fault(message, options.string()).description;
}

/// `message`: what it said last.
void require_success(const ProcessExit& exit, const std::string& message) {
  if (exit.signal == 0 && exit.code == 0) return;
  if (exit.signal == 0 && (exit.code == kUsage || exit.code == kNotFound)) {
    throw invalid_argument("{}", message);
  }
  if (const auto verdict = judge(exit, Stop::kNotAsked, message)) {
    throw RpcError(static_cast<grpc::StatusCode>(verdict->failure_code),
                   "the data set could not be read: " + verdict->failure);
  }
  throw error(ErrorCode::kResourceExhausted, "the data set could not be read: {}", message);
}

}  // namespace

/// A folder for one reading, and that no other one of the tenant goes on.
class DatasetReading::Turn {
 public:
  Turn(DatasetReading& reading, std::string tenant)
      : reading_(reading), tenant_(std::move(tenant)) {
    {
      const std::lock_guard lock(reading_.mutex_);
      if (!reading_.tenants_.insert(tenant_).second) {
        throw error(ErrorCode::kUnavailable,
                    "another data set of tenants/{} is being read; try again", tenant_);
      }
    }
    folder_ = reading_.options_.folder / std::to_string(reading_.next_++);
    std::error_code failed;
    fs::create_directories(folder_, failed);
  }
  ~Turn() {
    std::error_code failed;
    fs::remove_all(folder_, failed);
    const std::lock_guard lock(reading_.mutex_);
    reading_.tenants_.erase(tenant_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  const fs::path& folder() const { return folder_; }

 private:
  DatasetReading& reading_;
  const std::string tenant_;
  fs::path folder_;
};

DatasetReading::DatasetReading(DatasetReadingOptions options) : options_(std::move(options)) {
  fs::remove_all(options_.folder);
}

DatasetFacts DatasetReading::read(const std::string& tenant, const Config& data) {
  const Turn turn(*this, tenant);
  const fs::path options = turn.folder() / "data.yaml";
  const fs::path facts = turn.folder() / "facts.json";
  const fs::path log = turn.folder() / "log";
  write_file_atomically(options, data.to_yaml());
  std::vector<std::string> command = options_.program;
  command.insert(command.end(), {options.string(), facts.string()});
  JobProcess process(command, log, options_.limits);
  const Clock::time_point deadline = Clock::now() + options_.longest;
  for (auto exit = process.poll();; exit = process.poll()) {
    if (exit) {
      require_success(*exit, message_in(log, options));
      return facts_from(facts);
    }
    if (stopped_) throw error(ErrorCode::kUnavailable, "the daemon is ending; try again");
    if (Clock::now() > deadline) {
      throw error(ErrorCode::kResourceExhausted, "reading the data set takes longer than {} s",
                  options_.longest.count());
    }
    std::this_thread::sleep_for(kPollEvery);
  }
}

}  // namespace hwnas::service
