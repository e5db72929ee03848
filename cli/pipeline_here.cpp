#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <thread>

#include "cli/interrupt.hpp"
#include "cli/pipeline.hpp"
#include "cli/progress.hpp"
#include "cli/run_result.hpp"
#include "engine/pipeline.hpp"
#include "engine/run_lock.hpp"
#include "engine/training.hpp"

namespace hwnas::cli {
namespace {

void write_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

/// Keeps the times on the screen moving, and the bar within a resized terminal.
std::jthread start_ticker(ProgressView& view) {
  return std::jthread([&view](std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, stop, std::chrono::milliseconds(500), [] { return false; }) &&
           !stop.stop_requested()) {
      if (const auto style = terminal_style_of_stderr()) view.resize(style->width);
      view.tick();
    }
  });
}

engine::RunResult run_or_resume(const RunRequest& request, const engine::RunOptions& options) {
  return request.experiment ? engine::start_run(*request.experiment, options)
                            : engine::resume_run(options);
}

}  // namespace

void run_pipeline(const RunRequest& request, Invocation& invocation) {
  ProgressView view(write_stderr, terminal_style_of_stderr());
  InterruptGuard interrupt(
      [&view] { view.say("Stopping after the running epochs; Ctrl-C again stops at once."); });
  engine::RunOptions options;
  options.folder = request.folder;
  options.progress = [&view](const engine::Progress& progress) { view.show(progress); };
  options.drain = interrupt.token();
  options.workers = request.workers;

  const std::jthread ticker = start_ticker(view);
  try {
    const engine::RunResult result = run_or_resume(request, options);
    view.finish();
    print_result(result, invocation);
  } catch (const Error& failure) {
    view.finish();
    // Of the preconditions that may fail, this one will hold later.
    if (failure.code() != ErrorCode::kFailedPrecondition || !engine::is_locked(request.folder))
      throw;
    print_message(failure.what());
    invocation.exit_code = ExitCode::kTryAgain;
  }
}

void compress(engine::CompressRequest request, Invocation& invocation) {
  InterruptGuard interrupt([] { print_message("stopping after the running epoch"); });
  request.stop = interrupt.token();
  request.log = [](const std::string& message) { print_message(message); };
  print_compression(engine::compress_model(request, engine::libtorch_training()), invocation);
}

}  // namespace hwnas::cli
