#include "core/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "core/error.hpp"

extern char** environ;

namespace hwnas {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollEvery{5};

/// One captured stream: our end of a pipe, and what has come through it.
class Capture {
 public:
  Capture() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw error(ErrorCode::kResourceExhausted, "cannot make a pipe: {}", std::strerror(errno));
    }
    read_end_ = ends[0];
    write_end_ = ends[1];
    fcntl(read_end_, F_SETFL, O_NONBLOCK);
  }
  ~Capture() {
    close_write_end();
    close(read_end_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  int read_end() const { return ended_ ? -1 : read_end_; }  // poll() passes over negative ones
  int write_end() const { return write_end_; }
  void close_write_end() {
    if (write_end_ >= 0) close(write_end_);
    write_end_ = -1;
  }

  /// Takes what is there now; false once there was more than `limit`.
  bool read_available(std::size_t limit) {
    std::array<char, 16 * 1024> chunk;
    while (!ended_) {
      const ssize_t count = read(read_end_, chunk.data(), chunk.size());
      if (count < 0) return true;
      if (count == 0) ended_ = true;
      const std::size_t room = limit - text_.size();
      text_.append(chunk.data(), std::min(room, static_cast<std::size_t>(count)));
      if (static_cast<std::size_t>(count) > room) return false;
    }
    return true;
  }
  std::string take_text() { return std::move(text_); }

 private:
  int read_end_ = -1;
  int write_end_ = -1;
  bool ended_ = false;
  std::string text_;
};

/// What the program finds when it starts: streams, folder, a process group of its own.
class Surroundings {
 public:
  Surroundings(const ProcessRequest& request, const Capture& output, const Capture& errors) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
    const char* input = request.input.empty() ? "/dev/null" : request.input.c_str();
    posix_spawn_file_actions_addopen(&actions_, 0, input, O_RDONLY, 0);
    if (request.output.empty()) {
      posix_spawn_file_actions_adddup2(&actions_, output.write_end(), 1);
    } else {
      posix_spawn_file_actions_addopen(&actions_, 1, request.output.c_str(),
                                       O_WRONLY | O_CREAT | O_TRUNC, 0600);
    }
    posix_spawn_file_actions_adddup2(&actions_, errors.write_end(), 2);
    if (!request.folder.empty()) {
      posix_spawn_file_actions_addchdir_np(&actions_, request.folder.c_str());
    }
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes_, 0);
  }
  ~Surroundings() {
    posix_spawnattr_destroy(&attributes_);
    posix_spawn_file_actions_destroy(&actions_);
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

  /// errno, or 0.
  int spawn(const std::vector<std::string>& arguments, pid_t& pid) const {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) {
      pointers.push_back(const_cast<char*>(argument.c_str()));
    }
    pointers.push_back(nullptr);
    return posix_spawnp(&pid, pointers[0], &actions_, &attributes_, pointers.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

/// Stops the whole group, and collects the leader if that has not been done.
void kill_group(pid_t leader, bool collected) {
  kill(-leader, SIGKILL);
  int status = 0;
  while (!collected && waitpid(leader, &status, 0) < 0 && errno == EINTR) {
  }
}

/// Waits for the end or for a reason to stop; `status` is waitpid's where the program ended itself.
ProcessEnd wait_for_end(pid_t pid, const ProcessRequest& request, const std::stop_token& stop,
                        std::array<Capture, 2>& captures, int& status) {
  const Clock::time_point deadline = Clock::now() + request.time_limit;
  while (true) {
    // Asked for before the streams are read, so that what the program wrote last is read, too.
    const bool ended = waitpid(pid, &status, WNOHANG) == pid;
    for (Capture& capture : captures) {
      if (capture.read_available(request.max_output_bytes)) continue;
      kill_group(pid, ended);
      return ProcessEnd::kTooMuchOutput;
    }
    if (ended) {
      kill_group(pid, true);
      return WIFEXITED(status) ? ProcessEnd::kExited : ProcessEnd::kSignalled;
    }
    if (stop.stop_requested() || Clock::now() >= deadline) {
      kill_group(pid, false);
      return stop.stop_requested() ? ProcessEnd::kCancelled : ProcessEnd::kTimedOut;
    }
    std::array<pollfd, 2> ends{pollfd{captures[0].read_end(), POLLIN, 0},
                               pollfd{captures[1].read_end(), POLLIN, 0}};
    poll(ends.data(), ends.size(), static_cast<int>(kPollEvery.count()));
  }
}

}  // namespace

ProcessResult run_process(const ProcessRequest& request, std::stop_token stop) {
  ProcessResult result;
  std::array<Capture, 2> captures;
  pid_t pid = 0;
  result.code = Surroundings(request, captures[0], captures[1]).spawn(request.arguments, pid);
  if (result.code != 0) return result;
  for (Capture& capture : captures) capture.close_write_end();

  int status = 0;
  result.end = wait_for_end(pid, request, stop, captures, status);
  if (result.end == ProcessEnd::kExited) result.code = WEXITSTATUS(status);
  if (result.end == ProcessEnd::kSignalled) result.code = WTERMSIG(status);
  result.output = captures[0].take_text();
  result.errors = captures[1].take_text();
  return result;
}

std::string how_it_ended(const ProcessRequest& request, const ProcessResult& result) {
  const std::string& program = request.arguments.front();
  switch (result.end) {
    case ProcessEnd::kExited:
      return fmt::format("'{}' ended with exit code {}", program, result.code);
    case ProcessEnd::kSignalled:
      return fmt::format("'{}' was ended by signal {} ({})", program, result.code,
                         strsignal(result.code));
    case ProcessEnd::kTimedOut:
      return fmt::format("'{}' was stopped after {} ms, before it was done", program,
                         request.time_limit.count());
    case ProcessEnd::kTooMuchOutput:
      return fmt::format("'{}' was stopped because it wrote more than {} bytes", program,
                         request.max_output_bytes);
    case ProcessEnd::kCancelled:
      return fmt::format("'{}' was stopped on request", program);
    case ProcessEnd::kNotStarted:
      return fmt::format("cannot run '{}': {}", program, std::strerror(result.code));
  }
  return program;
}

}  // namespace hwnas
