#include "cli/interrupt.hpp"
#include "cli/live_progress.hpp"
#include "cli/pipeline.hpp"
#include "cli/run_result.hpp"
#include "engine/pipeline.hpp"
#include "engine/run_lock.hpp"
#include "engine/training.hpp"

namespace hwnas::cli {
namespace {

engine::RunResult run_or_resume(const RunRequest& request, const engine::RunOptions& options) {
  return request.experiment ? engine::start_run(*request.experiment, options)
                            : engine::resume_run(options);
}

}  // namespace

void run_pipeline(const RunRequest& request, Invocation& invocation) {
  LiveProgress progress;
  ProgressView& view = progress.view();
  InterruptGuard interrupt(
      [&view] { view.say("Stopping after the running epochs; Ctrl-C again stops at once."); });
  engine::RunOptions options;
  options.folder = request.folder;
  options.progress = [&view](const engine::Progress& now) { view.show(now); };
  options.drain = interrupt.token();
  options.workers = request.workers;

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
