#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/pipeline.hpp"
#include "engine/experiment.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string file;
  std::vector<std::string> sets;
  std::string folder;
  std::optional<int> workers;
};

void run(const Options& options, Invocation& invocation) {
  RunRequest request;
  request.experiment = engine::Experiment::load(options.file, options.sets);
  request.folder = options.folder.empty() ? "runs/" + request.experiment->name : options.folder;
  request.workers = options.workers;
  run_pipeline(request, invocation);
}

}  // namespace

void add_run(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"run",
       "Run an experiment: search, train the finalists, export, report",
       {"hwnas run configs/experiments/fashion_mnist_mcu.yaml",
        "hwnas run experiment.yaml --set search.trials=8 --set seed=3 --folder runs/short",
        "hwnas run experiment.yaml --json > result.json"}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("EXPERIMENT", options->file, "Experiment file")
      ->type_name("FILE")
      ->required();
  command->add_option("--set", options->sets, "Change a value of the file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_option("--folder", options->folder, "Folder of the run [runs/NAME]")
      ->type_name("DIR");
  command->add_option("--workers", options->workers, "Trials trained at the same time")
      ->check(CLI::Range(1, 1024));
  command->callback([options, &invocation] { run(*options, invocation); });
}

}  // namespace hwnas::cli
