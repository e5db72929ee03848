// hwnas-train with fake training, for tests of the daemon. FAKE_TRAIN_EPOCH_US: the longest time of
// an epoch of a run, and the time of each evaluation of a compression.
#include <chrono>
#include <cstdlib>
#include <thread>

#include "cli/interrupt.hpp"
#include "cli/pipeline.hpp"
#include "core/error.hpp"
#include "engine/pipeline.hpp"
#include "tests/engine/fake_training.hpp"

namespace hwnas::cli {
namespace {

std::chrono::microseconds epoch() {
  const char* longest = std::getenv("FAKE_TRAIN_EPOCH_US");
  return std::chrono::microseconds(longest == nullptr ? 0 : std::atoi(longest));
}

}  // namespace

void run_pipeline(const RunRequest& request, Invocation& invocation) {
  InterruptGuard interrupt([] {});
  engine::RunOptions options;
  options.folder = request.folder;
  options.drain = interrupt.token();
  const engine::Training training = engine::fake_training({.longest_epoch = epoch()});
  try {
    const engine::RunResult result = request.experiment
                                         ? engine::start_run(*request.experiment, options, training)
                                         : engine::resume_run(options, training);
    if (result.state != engine::RunState::kFinished) {
      invocation.exit_code = ExitCode::kInterrupted;
    }
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kFailedPrecondition) throw;
    print_message(failure.what());
    invocation.exit_code = ExitCode::kTryAgain;
  }
}

void compress(engine::CompressRequest request, Invocation& invocation) {
  InterruptGuard interrupt([] {});
  request.stop = interrupt.token();
  request.log = [](const std::string& message) { print_message(message); };
  engine::Training training = engine::fake_training();
  training.evaluate_network = [evaluate = training.evaluate_network](const auto&... arguments) {
    std::this_thread::sleep_for(epoch());
    return evaluate(arguments...);
  };
  print_compression(engine::compress_model(request, training), invocation);
}

}  // namespace hwnas::cli
