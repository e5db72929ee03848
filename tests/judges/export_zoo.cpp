// export_zoo FOLDER: writes every network of the zoo as <name>.onnx with <name>.json beside it:
// inputs and the outputs of the plain reference, for a judge that knows nothing of hwnas.

#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "exporters/deployed.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace {

using namespace hwnas;

void export_entry(const ir::zoo::ZooNetwork& entry, const std::filesystem::path& folder) {
  const exporters::Model model = exporters::zoo_model(entry);
  const std::vector<std::vector<float>> inputs = exporters::probes(model, 3);
  export_model(model, "onnx", folder, inputs);
  const auto& [channels, height, width] = model.network.input;
  nlohmann::json expected = {{"input_shape", {channels, height, width}}, {"inputs", inputs}};
  for (const std::vector<float>& input : inputs) {
    expected["outputs"].push_back(
        ir::run_reference(model.network, model.weights,
                          exporters::normalised(model.normalisation, model.network.input, input)));
  }
  std::ofstream(folder / (model.name + ".json")) << expected;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: export_zoo FOLDER\n");
    return 2;
  }
  for (const auto& entry : ir::zoo::networks()) export_entry(entry, argv[1]);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "export_zoo: {}\n", error.what());
  return 1;
}
