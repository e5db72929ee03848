#include "cli/interrupt.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <csignal>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/exit_code.hpp"
#include "core/error.hpp"

namespace hwnas::cli {
namespace {

constexpr char kSignalled = 's';
constexpr char kGoAway = 'q';

// What the handler touches: lock-free, and valid for as long as the handler is installed. A pipe,
// and not sigwait in a thread, because libraries start threads before main could block signals.
std::atomic<int> signals_seen = 0;
std::atomic<int> pipe_end = -1;
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void on_signal(int) {
  const int saved_errno = errno;
  if (signals_seen.fetch_add(1) > 0) {
    // The shell's prompt shall not stand behind the progress bar.
    [[maybe_unused]] const auto ended = write(STDERR_FILENO, "\n", 1);
    _exit(static_cast<int>(ExitCode::kInterrupted));
  }
  [[maybe_unused]] const auto written = write(pipe_end, &kSignalled, 1);
  errno = saved_errno;
}

void handle_signals(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

char wait_for_byte(int descriptor) {
  char byte = kGoAway;
  while (read(descriptor, &byte, 1) < 0 && errno == EINTR) {
  }
  return byte;
}

}  // namespace

InterruptGuard::InterruptGuard(std::function<void()> on_first) {
  assert(pipe_end < 0);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw error(ErrorCode::kResourceExhausted, "cannot make a pipe: {}", std::strerror(errno));
  signals_seen = 0;
  pipe_end = ends[1];
  listener_ = std::jthread([this, descriptor = ends[0], on_first = std::move(on_first)] {
    while (wait_for_byte(descriptor) == kSignalled) {
      source_.request_stop();
      on_first();
    }
    close(descriptor);
  });
  handle_signals(on_signal);
}

InterruptGuard::~InterruptGuard() {
  handle_signals(SIG_DFL);
  [[maybe_unused]] const auto written = write(pipe_end, &kGoAway, 1);
  listener_.join();
  close(pipe_end.exchange(-1));
}

}  // namespace hwnas::cli
