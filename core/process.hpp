#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

namespace hwnas {

/// A program to run, without a shell: arguments are passed as they are.
struct ProcessRequest {
  std::vector<std::string> arguments;  ///< the first is the program, looked up in PATH
  std::filesystem::path folder;        ///< to run in; empty: this process's
  std::filesystem::path input;         ///< file that it reads; empty: nothing
  std::filesystem::path output;        ///< file for its standard output; empty: captured
  std::chrono::milliseconds time_limit{60'000};
  std::size_t max_output_bytes = std::size_t{1} << 20;  ///< of what is captured of each stream
};

enum class ProcessEnd {
  kExited,         ///< `code` is its exit code
  kSignalled,      ///< `code` is the signal
  kTimedOut,       ///< stopped at the time limit
  kTooMuchOutput,  ///< stopped at the limit of a captured stream
  kCancelled,      ///< stopped because the caller asked for it
  kNotStarted      ///< `code` is errno: ENOENT where there is no such program
};

struct ProcessResult {
  ProcessEnd end = ProcessEnd::kNotStarted;
  int code = 0;
  std::string output;  ///< captured standard output, at most max_output_bytes
  std::string errors;  ///< captured standard error, likewise

  bool succeeded() const { return end == ProcessEnd::kExited && code == 0; }
};

/// Runs a program to its end, or stops it, and never takes longer than the time limit: whatever the
/// program does is in the result. It leads a process group of its own, which is killed as a whole,
/// also after the program has exited, so that no helper of it stays or holds a stream open.
/// Thread-safe. Throws ResourceExhausted if this process has no descriptors left for it.
ProcessResult run_process(const ProcessRequest& request, std::stop_token stop = {});

/// How it ended, for messages: "'cc' ended with exit code 1", "'sleep' was stopped after 100 ms,
/// before it was done".
std::string how_it_ended(const ProcessRequest& request, const ProcessResult& result);

}  // namespace hwnas
