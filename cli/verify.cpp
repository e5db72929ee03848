#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "engine/verify.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string file;
  std::string run;
  std::optional<std::uint64_t> trial;
};

void verify(const Options& options, const Invocation& invocation) {
  const engine::Verification done =
      engine::verify_artifact(options.file, options.run, options.trial);
  if (invocation.json) {
    print_json({{"file", options.file},
                {"format", done.format},
                {"run", done.run.string()},
                {"inputs", done.inputs},
                {"outputs", done.outputs},
                {"sha256", done.sha256}});
  } else {
    fmt::print("{}: {} outputs of {} inputs equal those of {}\nsha256 {}\n", options.file,
               done.outputs, done.inputs, done.run.string(), done.sha256);
  }
}

}  // namespace

void add_verify(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"verify",
       "Read an exported file back, run it, and compare it with the network that was scored",
       {"hwnas verify runs/fashion_mnist_mcu/export/fashion_mnist_mcu.tflite",
        "hwnas verify model.tflite --run runs/fashion_mnist_mcu"}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("FILE", options->file, "Exported file")->type_name("FILE")->required();
  command->add_option("--run", options->run, "Run that it is of [the folder it lies in]")
      ->type_name("DIR");
  command->add_option("--trial", options->trial, "Finalist that it is of [the chosen one]");
  command->callback([options, &invocation] { verify(*options, invocation); });
}

}  // namespace hwnas::cli
