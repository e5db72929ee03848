#include "bench/daemon_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grpcpp/create_channel.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "core/error.hpp"
#include "core/file.hpp"

extern char** environ;

namespace hwnas::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStart{30};
constexpr std::uintmax_t kMaxLogBytes = 1 << 20;

}  // namespace

DaemonProcess::DaemonProcess(const fs::path& program, const fs::path& folder,
                             const std::vector<std::string>& options)
    : folder_(folder) {
  fs::create_directories(folder);
  std::vector<std::string> arguments{program.string(), "--data", folder.string()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const std::string log = (folder / "log").string();
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  const int failed =
      posix_spawn(&pid_, arguments[0].c_str(), &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    pid_ = -1;
    throw error(ErrorCode::kUnavailable, "{}: cannot be started", program.string());
  }
  if (!connect()->WaitForConnected(std::chrono::system_clock::now() + kStart)) {
    throw error(ErrorCode::kUnavailable, "{} does not serve: {}", program.string(),
                read_file(log, kMaxLogBytes));
  }
}

DaemonProcess::~DaemonProcess() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::shared_ptr<grpc::Channel> DaemonProcess::connect() const {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  return grpc::CreateCustomChannel("unix:" + (folder_ / "hwnasd.sock").string(),
                                   grpc::InsecureChannelCredentials(), arguments);
}

double DaemonProcess::megabytes() const {
  std::ifstream status(fmt::format("/proc/{}/status", pid_));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) * 1024 / 1e6;
  }
  throw error(ErrorCode::kUnavailable, "hwnasd has ended");
}

}  // namespace hwnas::bench
