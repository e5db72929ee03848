// runner EXPERIMENT FOLDER WORKERS LONGEST_EPOCH_US FILE_SIZE_LIMIT [SETTING…]: starts the
// experiment with those settings in the folder, or resumes it, with fake training. Started, killed
// and starved (a limit of 0 is none) by crash_test.cpp.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>

#include "core/error.hpp"
#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "tests/engine/fake_training.hpp"

namespace {

/// Makes writes fail beyond so many bytes a file, as they do when a disk is full.
void limit_file_size(rlim_t bytes) {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, bytes};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

void run(char** arguments, int count) {
  using namespace hwnas::engine;
  const std::filesystem::path folder = arguments[2];
  RunOptions options;
  options.folder = folder;
  options.workers = std::atoi(arguments[3]);
  const Training training =
      fake_training({.longest_epoch = std::chrono::microseconds(std::atoi(arguments[4]))});
  if (holds_run(folder)) {
    resume_run(options, training);
  } else {
    start_run(Experiment::load(arguments[1], {arguments + 6, arguments + count}), options,
              training);
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 6) return 2;
  const auto limit = static_cast<rlim_t>(std::atoll(arguments[5]));
  if (limit > 0) limit_file_size(limit);
  try {
    run(arguments, count);
    return 0;
  } catch (const hwnas::Error& failure) {
    fmt::print(stderr, "{}: {}\n", hwnas::to_string(failure.code()), failure.what());
    return 1;
  }
}
