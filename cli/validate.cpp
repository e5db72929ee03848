#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "engine/experiment.hpp"
#include "engine/pipeline.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string file;
  std::vector<std::string> sets;
  bool data = false;
  bool schema = false;
};

std::string summary(const engine::Experiment& experiment) {
  return fmt::format("{}: {} trials by {} for {} with {}", experiment.name, experiment.trials,
                     experiment.search.at("strategy").as_string(), experiment.device.name,
                     experiment.runtime);
}

void validate(const Options& options, const Invocation& invocation) {
  if (options.schema) {
    if (invocation.json)
      print_json({{"schema", engine::experiment_schema()}});
    else
      fmt::print("{}", engine::experiment_schema());
    return;
  }
  if (options.file.empty())
    throw invalid_argument("validate: name an experiment file, or give --schema");
  const auto experiment = engine::Experiment::load(options.file, options.sets);
  if (options.data) engine::check_runnable(experiment);
  if (invocation.json) {
    print_json({{"valid", true},
                {"name", experiment.name},
                {"strategy", experiment.search.at("strategy").as_string()},
                {"trials", experiment.trials},
                {"device", experiment.device.name},
                {"runtime", experiment.runtime}});
  } else {
    fmt::print("{}: valid\n{}\n", options.file, summary(experiment));
  }
}

}  // namespace

void add_validate(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"validate",
       "Check an experiment file without running it",
       {"hwnas validate configs/experiments/fashion_mnist_mcu.yaml",
        "hwnas validate experiment.yaml --set search.trials=8", "hwnas validate --schema"}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("EXPERIMENT", options->file, "Experiment file")->type_name("FILE");
  command->add_option("--set", options->sets, "Change a value of the file; may be repeated")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command->add_flag("--data", options->data,
                    "Also read the data, and check that the space can keep the limits");
  command->add_flag("--schema", options->schema, "Print every key with its type and default");
  command->callback([options, &invocation] { validate(*options, invocation); });
}

}  // namespace hwnas::cli
