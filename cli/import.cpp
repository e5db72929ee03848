#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

#include "cli/command.hpp"
#include "cli/layer_table.hpp"
#include "core/file.hpp"
#include "exporters/import_model.hpp"

namespace hwnas::cli {
namespace {

struct Options {
  std::string file;
  std::string to;
};

/// network.json, and weights.safetensors or quantized.json.
void save(const exporters::Model& model, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "network.json", ir::to_json(model.network).dump(2) + "\n");
  if (model.quantized) {
    write_file_atomically(folder / "quantized.json", ir::to_json(*model.quantized).dump() + "\n");
  } else {
    ir::save_safetensors(model.weights, folder / "weights.safetensors");
  }
}

void import_file(const Options& options, const Invocation& invocation) {
  const exporters::Model model = exporters::import_model(options.file);
  if (!options.to.empty()) save(model, options.to);
  if (invocation.json) {
    print_json({{"name", model.name},
                {"integers", model.quantized.has_value()},
                {"macs", ir::macs(model.network)},
                {"parameters", ir::parameters(model.network)},
                {"normalisation",
                 {{"mean", model.normalisation.mean}, {"std_dev", model.normalisation.std_dev}}},
                {"network", ir::to_json(model.network)}});
    return;
  }
  fmt::print("{}", format_layers(model.network, {}));
  fmt::print("{}, {} MACs, {} parameters\n", model.quantized ? "integers" : "float",
             ir::macs(model.network), ir::parameters(model.network));
}

}  // namespace

void add_import(CLI::App& app, Invocation& invocation) {
  CLI::App* command = add_command(
      app,
      {"import",
       "Read a model of your own: float or int8, .onnx or .tflite",
       {"hwnas import model.tflite", "hwnas import model.onnx --to build/model --json"}},
      invocation);
  auto options = std::make_shared<Options>();
  command->add_option("FILE", options->file, "Model")->type_name("FILE")->required();
  command->add_option("--to", options->to, "Folder to write network and weights to")
      ->type_name("DIR");
  command->callback([options, &invocation] { import_file(*options, invocation); });
}

}  // namespace hwnas::cli
