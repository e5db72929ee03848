// fake_train run EXPERIMENT --folder FOLDER --json | resume FOLDER --json: hwnas-train with fake
// training, for tests of the daemon. FAKE_TRAIN_EPOCH_US: the longest time of an epoch.
#include <fmt/format.h>

#include <csignal>
#include <cstdlib>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "core/error.hpp"
#include "engine/pipeline.hpp"
#include "tests/engine/fake_training.hpp"

namespace {

using namespace hwnas::engine;

/// SIGTERM as a stop token; to be made before any other thread.
std::stop_token token_of_sigterm() {
  static std::stop_source source;
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  std::thread([ending] {
    int received = 0;
    sigwait(&ending, &received);
    source.request_stop();
  }).detach();
  return source.get_token();
}

RunState run(const std::vector<std::string>& arguments) {
  const char* longest = std::getenv("FAKE_TRAIN_EPOCH_US");
  const Training training = fake_training(
      {.longest_epoch = std::chrono::microseconds(longest == nullptr ? 0 : std::atoi(longest))});
  RunOptions options;
  options.drain = token_of_sigterm();
  if (arguments.at(1) == "resume") {
    options.folder = arguments.at(2);
    return resume_run(options, training).state;
  }
  options.folder = arguments.at(4);
  return start_run(Experiment::load(arguments.at(2)), options, training).state;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run({arguments, arguments + count}) == RunState::kFinished ? 0 : 130;
  } catch (const hwnas::Error& failure) {
    fmt::print(stderr, "hwnas: {}\n", failure.what());
    return failure.code() == hwnas::ErrorCode::kFailedPrecondition ? 75 : 2;
  }
}
