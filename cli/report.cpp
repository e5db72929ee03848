#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

#include "cli/command.hpp"
#include "engine/pipeline.hpp"
#include "report/report.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string run;
  std::string to;
};

void write_report(const Options& options, const Invocation& invocation) {
  const std::string folder = options.to.empty() ? options.run : options.to;
  engine::write_report(options.run, folder);
  if (invocation.json)
    print_json(report::render_json(engine::summarise_run(options.run)));
  else
    for (const char* file : {"report.html", "report.json", "trials.csv", "front.svg"})
      fmt::print("{}\n", (std::filesystem::path(folder) / file).string());
}

}  // namespace

void add_report(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app,
                  {"report",
                   "Write the report of a running, interrupted or finished run",
                   {"hwnas report runs/fashion_mnist_mcu",
                    "hwnas report runs/fashion_mnist_mcu --json | jq '.trials | length'"}},
                  invocation);
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->run, "Folder of the run")->type_name("DIR")->required();
  command->add_option("--to", options->to, "Folder to write to [the run's]")->type_name("DIR");
  command->callback([options, &invocation] { write_report(*options, invocation); });
}

}  // namespace hwnas::cli
