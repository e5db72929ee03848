#include "exporters/child_process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "core/error.hpp"

extern char** environ;

namespace hwnas::exporters {

namespace {

/// What the child's standard streams are connected to.
class Streams {
 public:
  explicit Streams(const ChildProcess& child) {
    posix_spawn_file_actions_init(&actions_);
    const std::filesystem::path nothing = "/dev/null";
    const auto open = [&](int stream, const std::filesystem::path& file, int flags) {
      posix_spawn_file_actions_addopen(&actions_, stream,
                                       file.empty() ? nothing.c_str() : file.c_str(), flags, 0600);
    };
    open(0, child.input, O_RDONLY);
    open(1, child.output, O_WRONLY | O_CREAT | O_TRUNC);
    open(2, child.errors, O_WRONLY | O_CREAT | O_TRUNC);
  }
  ~Streams() { posix_spawn_file_actions_destroy(&actions_); }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

pid_t start(const ChildProcess& child) {
  std::vector<char*> arguments;
  for (const std::string& argument : child.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const Streams streams(child);
  pid_t pid = 0;
  const int failure =
      posix_spawnp(&pid, arguments[0], streams.get(), nullptr, arguments.data(), environ);
  if (failure == 0) return pid;
  throw error(failure == ENOENT ? ErrorCode::kNotFound : ErrorCode::kFailedPrecondition,
              "cannot run '{}': {}", child.arguments[0], std::strerror(failure));
}

}  // namespace

int run_to_end(const ChildProcess& child, std::chrono::milliseconds limit) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  const pid_t pid = start(child);
  int status = 0;
  while (true) {
    const pid_t done = waitpid(pid, &status, WNOHANG);
    if (done == pid) break;
    if (done < 0 && errno != EINTR) {
      throw error(ErrorCode::kFailedPrecondition, "lost the process of '{}': {}",
                  child.arguments[0], std::strerror(errno));
    }
    if (std::chrono::steady_clock::now() > deadline) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      throw error(ErrorCode::kCancelled, "'{}' was not done after {} ms and was stopped",
                  child.arguments[0], limit.count());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace hwnas::exporters
