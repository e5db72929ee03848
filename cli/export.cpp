#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "engine/pipeline.hpp"
#include "exporters/exporter.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string run;
  std::vector<std::string> formats;
  std::string to;
  std::optional<std::uint64_t> trial;
};

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  for (const auto& exporter : exporters::exporters()) names.emplace_back(exporter.name);
  return names;
}

void export_network(const Options& options, const Invocation& invocation) {
  const std::filesystem::path folder = options.to.empty()
                                           ? std::filesystem::path(options.run) / "export"
                                           : std::filesystem::path(options.to);
  engine::export_run(options.run, options.formats, options.to, options.trial);
  if (invocation.json)
    print_json({{"folder", folder.string()}});
  else
    fmt::print("{}\n", folder.string());
}

}  // namespace

void add_export(CLI::App& app, Invocation& invocation) {
  CLI::App* command =
      add_command(app,
                  {"export",
                   "Export a trained network of a finished run again, or in another format",
                   {"hwnas export runs/fashion_mnist_mcu",
                    "hwnas export runs/fashion_mnist_mcu --format c --to build/model",
                    "hwnas export runs/fashion_mnist_mcu --trial 17 --to build/model"}},
                  invocation);
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->run, "Folder of the run")->type_name("DIR")->required();
  command->add_option("--format", options->formats, "Format; may be repeated [the experiment's]")
      ->check(CLI::IsMember(format_names()))
      ->allow_extra_args(false);
  command->add_option("--trial", options->trial, "Another finalist than the chosen one");
  command
      ->add_option("--to", options->to,
                   "Folder to write to [RUN/export]; with --format or --trial it must be given")
      ->type_name("DIR");
  command->callback([options, &invocation] { export_network(*options, invocation); });
}

}  // namespace hwnas::cli
