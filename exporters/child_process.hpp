#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace hwnas::exporters {

/// A program to run, without a shell: arguments are passed as they are.
struct ChildProcess {
  std::vector<std::string> arguments;  ///< the first is the program, looked up in PATH
  std::filesystem::path input;         ///< what it reads; empty: nothing
  std::filesystem::path output;        ///< where its standard output goes
  std::filesystem::path errors;        ///< where its standard error goes
};

/// Runs it to its end and returns its exit code; 128 + signal if a signal ended it. Throws NotFound
/// if there is no such program, FailedPrecondition if it cannot be started, and Cancelled if it was
/// not done within `limit` and was killed.
int run_to_end(const ChildProcess& child, std::chrono::milliseconds limit);

}  // namespace hwnas::exporters
