#include "service/job_process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/error.hpp"
#include "core/sanitizer.hpp"

namespace hwnas::service {
namespace {

// Between fork and exec of a process with threads only what is safe in a signal handler is allowed:
// no allocation, no locks.

void limit(__rlimit_resource resource, std::uint64_t value) {
  if (value == 0) return;
  const rlimit bound{value, value};
  setrlimit(resource, &bound);
}

void apply(const JobLimits& limits) {
  if (!kHasAddressSanitizer) limit(RLIMIT_DATA, limits.memory_bytes);
  limit(RLIMIT_CPU, limits.cpu_seconds);
  limit(RLIMIT_FSIZE, limits.file_bytes);
  limit(RLIMIT_NOFILE, limits.open_files);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);  // it would hold the tenant's data
}

/// The daemon blocks the signals that it waits for, and ignores others; neither is the job's.
void reset_signals() {
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Gives the process to the system's out-of-memory killer before all others.
void be_killed_first() {
  const int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  [[maybe_unused]] const auto written = write(file, "1000", 4);
  close(file);
}

void redirect(const char* file, int flags, int descriptor) {
  const int opened = open(file, flags, 0600);
  if (opened < 0) _exit(JobProcess::kCannotExecute);
  dup2(opened, descriptor);
  if (opened != descriptor) close(opened);
}

/// `bound`: closed when the process can no longer outlive the thread that started it.
[[noreturn]] void become(char* const* arguments, const char* log, const JobLimits& limits,
                         pid_t parent, int bound) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(JobProcess::kCannotExecute);  // it died before the line above
  close(bound);
  redirect("/dev/null", O_RDONLY, STDIN_FILENO);
  redirect("/dev/null", O_WRONLY, STDOUT_FILENO);
  redirect(log, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  be_killed_first();
  reset_signals();
  apply(limits);
  execv(arguments[0], arguments);
  const char* const why = strerrordesc_np(errno);
  const char message[] = "cannot be executed: ";
  [[maybe_unused]] auto written = write(STDERR_FILENO, message, sizeof(message) - 1);
  written = write(STDERR_FILENO, why, std::strlen(why));
  _exit(JobProcess::kCannotExecute);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

/// By everybody who has the other end of the pipe.
void wait_until_closed(int pipe) {
  char nothing = 0;
  while (read(pipe, &nothing, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace

JobProcess::JobProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log,
                       const JobLimits& limits) {
  std::vector<char*> pointers;
  for (const std::string& argument : arguments) {
    pointers.push_back(const_cast<char*>(argument.c_str()));
  }
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  int bound[2] = {-1, -1};
  pid_ = pipe2(bound, O_CLOEXEC) == 0 ? fork() : -1;
  if (pid_ == 0) become(pointers.data(), log.c_str(), limits, parent, bound[1]);
  const int reason = errno;
  close(bound[1]);
  wait_until_closed(bound[0]);
  close(bound[0]);
  if (pid_ < 0) {
    throw error(ErrorCode::kResourceExhausted, "cannot start a process: {}", std::strerror(reason));
  }
  setpgid(pid_, pid_);  // here as well: whoever comes first, kill() finds the group
}

JobProcess::~JobProcess() {
  kill();
  while (!exit_ && waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<ProcessExit> JobProcess::poll() {
  int status = 0;
  rusage used{};
  if (!exit_ && wait4(pid_, &status, WNOHANG, &used) == pid_) {
    kill();  // what it has left running
    cpu_seconds_ = seconds(used.ru_utime) + seconds(used.ru_stime);
    exit_ = WIFEXITED(status) ? ProcessExit{.code = WEXITSTATUS(status)}
                              : ProcessExit{.signal = WTERMSIG(status)};
  }
  return exit_;
}

double JobProcess::cpu_seconds() const {
  if (exit_) return cpu_seconds_;
  std::ifstream file(fmt::format("/proc/{}/stat", pid_));
  std::string text;
  std::getline(file, text);
  // The program's name, in parentheses, may hold anything. Behind it (man 5 proc): state and ten
  // more fields, then utime, stime, cutime and cstime in ticks.
  std::istringstream fields(text.substr(std::min(text.size(), text.rfind(')') + 1)));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double sum = 0;
  double ticks = 0;
  for (int i = 0; i < 4 && fields >> ticks; ++i) sum += ticks;
  return sum / static_cast<double>(sysconf(_SC_CLK_TCK));
}

void JobProcess::terminate() const {
  if (!exit_) ::kill(pid_, SIGTERM);
}

void JobProcess::kill() const {
  if (!exit_) ::kill(-pid_, SIGKILL);
}

}  // namespace hwnas::service
