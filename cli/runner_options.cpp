#include "cli/runner_options.hpp"

#include "core/error.hpp"

namespace hwnas::cli {
namespace {

std::vector<std::string> runner_names() {
  std::vector<std::string> names;
  for (const auto& row : measurement::runners()) names.emplace_back(row.name);
  return names;
}

}  // namespace

void add_runner_options(CLI::App& command, RunnerOptions& options) {
  CLI::Option* runner = command.add_option("--runner", options.runner, "What to measure with")
                            ->check(CLI::IsMember(runner_names()))
                            ->capture_default_str();
  command
      .add_option("--config", options.file, "Runner and its options, as docs/measurement.md says")
      ->type_name("FILE")
      ->excludes(runner);
  command.add_option("--set", options.sets, "Set an option of the runner; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

std::unique_ptr<measurement::Runner> make_runner(const RunnerOptions& options) {
  Config config = options.file.empty() ? Config::parse("runner: " + options.runner, "--runner")
                                       : Config::load(options.file);
  for (const std::string& set : options.sets) {
    const std::size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0)
      throw invalid_argument("--set '{}' is not of the form key=value", set);
    config.set(set.substr(0, equals), set.substr(equals + 1));
  }
  return measurement::make_runner(config);
}

}  // namespace hwnas::cli
