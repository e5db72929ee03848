#include "service/verdict.hpp"

#include <fmt/format.h>
#include <grpcpp/support/status.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>

#include "core/text.hpp"

namespace hwnas::service {
namespace {

// Exit codes of hwnas-train (docs/cli.md).
constexpr int kDone = 0;
constexpr int kUsage = 2;
constexpr int kNotFound = 3;
constexpr int kUnavailable = 5;
constexpr int kTryAgain = 75;
constexpr int kInterrupted = 130;

constexpr std::streamoff kMaxTailBytes = 4096;
constexpr std::string_view kProgramName = "hwnas: ";

StateChange failed(grpc::StatusCode code, std::string message) {
  return {JobState::kFailed, code, std::move(message)};
}

StateChange judge_signal(int signal) {
  const std::string ended =
      fmt::format("its process was ended by signal {} ({})", signal, strsignal(signal));
  switch (signal) {
    case SIGXCPU:
      return failed(grpc::StatusCode::RESOURCE_EXHAUSTED,
                    ended + ": it used more processor time than a job may");
    case SIGXFSZ:
      return failed(grpc::StatusCode::RESOURCE_EXHAUSTED,
                    ended + ": a file grew larger than a job's may");
    case SIGKILL:
      return failed(grpc::StatusCode::RESOURCE_EXHAUSTED,
                    ended + ": most likely the machine's memory was short");
    default:
      return failed(grpc::StatusCode::INTERNAL, ended);
  }
}

}  // namespace

std::optional<StateChange> judge(const ProcessExit& exit, Stop asked,
                                 const std::string& last_words) {
  const bool stopped = exit.signal != 0 || exit.code == kInterrupted || exit.code == kTryAgain;
  if (stopped && asked == Stop::kCancelled) return StateChange{.to = JobState::kCancelled};
  if (stopped && asked == Stop::kOvertime) {
    return failed(grpc::StatusCode::DEADLINE_EXCEEDED,
                  "it ran longer than a job may; what it had found can be read");
  }
  if (exit.signal != 0) return judge_signal(exit.signal);
  const std::string message = last_words.empty()
                                  ? fmt::format("its process ended with exit code {}", exit.code)
                                  : last_words;
  switch (exit.code) {
    case kDone:
      return StateChange{.to = JobState::kSucceeded};
    case kTryAgain:
    case kInterrupted:
      return std::nullopt;
    case kUsage:
      return failed(grpc::StatusCode::FAILED_PRECONDITION, message);
    case kNotFound:
      return failed(grpc::StatusCode::NOT_FOUND, message);
    case kUnavailable:
      return failed(grpc::StatusCode::UNAVAILABLE, message);
    default:
      return failed(grpc::StatusCode::INTERNAL, message);
  }
}

std::string last_message(const std::filesystem::path& log) {
  std::ifstream file(log, std::ios::binary | std::ios::ate);
  if (!file) return {};
  file.seekg(std::max<std::streamoff>(0, file.tellg() - kMaxTailBytes));
  std::string message;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty()) message = line;
  }
  if (message.starts_with(kProgramName)) message.erase(0, kProgramName.size());
  return one_line(message);
}

}  // namespace hwnas::service
