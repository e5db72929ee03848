#pragma once

#include <memory>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include "measurement/runner.hpp"

namespace hwnas::cli {

/// How a command is told what to measure with.
struct RunnerOptions {
  std::string runner = "host";
  std::string file;  ///< YAML with the runner and its options
  std::vector<std::string> sets;
};

/// --runner, --config and --set.
void add_runner_options(CLI::App& command, RunnerOptions& options);

/// The runner of --config, or the one named, with what --set changes.
std::unique_ptr<measurement::Runner> make_runner(const RunnerOptions& options);

}  // namespace hwnas::cli
