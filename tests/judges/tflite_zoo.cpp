// tflite_zoo FOLDER: writes the networks of the zoo as .tflite, for judges that know nothing of
// hwnas: <name>.float.tflite with <name>.float.json beside it (inputs in channels x height x width
// order and the outputs of the plain reference), <name>.int8.tflite, <name>.int4.tflite and
// <name>.ternary.tflite.

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "exporters/tflite.hpp"
#include "tests/exporters/tflite_networks.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace {

using namespace hwnas;

void write_float(const ir::zoo::ZooNetwork& entry, const std::filesystem::path& folder) {
  const exporters::Model model = exporters::zoo_model(entry);
  exporters::write_tflite(model, folder / (model.name + ".float.tflite"));
  const std::vector<std::vector<float>> inputs = exporters::probes(model, 3);
  const auto& [channels, height, width] = model.network.input;
  nlohmann::json expected = {{"input_shape", {channels, height, width}}, {"inputs", inputs}};
  for (const std::vector<float>& input : inputs) {
    expected["outputs"].push_back(
        ir::run_reference(model.network, model.weights,
                          exporters::normalised(model.normalisation, model.network.input, input)));
  }
  std::ofstream(folder / (model.name + ".float.json")) << expected;
}

void write_integers(const ir::zoo::ZooNetwork& entry, const std::filesystem::path& folder) {
  for (const auto format :
       {ir::WeightFormat::kInt8, ir::WeightFormat::kInt4, ir::WeightFormat::kTernary}) {
    const std::string name = fmt::format("{}.{}.tflite", entry.name, ir::info(format).name);
    exporters::write_tflite(exporters::quantized_zoo_model(entry, {.default_format = format}),
                            folder / name);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: tflite_zoo FOLDER\n");
    return 2;
  }
  for (const auto& entry : exporters::tflite_networks()) {
    write_float(entry, argv[1]);
    if (exporters::is_quantizable(entry.network)) write_integers(entry, argv[1]);
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "tflite_zoo: {}\n", error.what());
  return 1;
}
