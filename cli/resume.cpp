#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/pipeline.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string folder;
  std::optional<int> workers;
};

}  // namespace

void add_resume(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"resume",
       "Go on with an interrupted run; the result is that of a run never interrupted",
       {"hwnas resume runs/fashion_mnist_mcu", "hwnas resume runs/fashion_mnist_mcu --workers 4"}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->folder, "Folder of the run")->type_name("DIR")->required();
  command->add_option("--workers", options->workers, "Trials trained at the same time")
      ->check(CLI::Range(1, 1024));
  command->callback([options, &invocation] {
    run_pipeline(
        {.experiment = std::nullopt, .folder = options->folder, .workers = options->workers},
        invocation);
  });
}

}  // namespace hwnas::cli
