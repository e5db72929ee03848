// matrix_networks FOLDER IMAGES: exports three networks in every format that runtimes load, with
// the first IMAGES test images of Fashion-MNIST and what hwnas computes for them, for
// runtime_matrix.py. Prints one JSON object a file: its name and format, the files of inputs and
// expected outputs (float32), and the scale of integer outputs or null; or why it was refused.

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "compression/integer_executor.hpp"
#include "core/config.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "tests/judges/image_networks.hpp"

namespace {

using namespace hwnas;
using Arrays = std::vector<std::vector<float>>;

std::string write_floats(const std::filesystem::path& file, const Arrays& arrays) {
  std::string bytes;
  for (const std::vector<float>& values : arrays) {
    bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  }
  write_file_atomically(file, bytes);
  return file.filename();
}

Arrays computed(const exporters::Model& model, std::optional<ir::Requantization> requantization,
                const Arrays& inputs) {
  Arrays outputs;
  if (!requantization) {
    const ir::FoldedNetwork network = exporters::deployed(model);
    for (const std::vector<float>& input : inputs) {
      outputs.push_back(ir::run_reference(network.network, network.weights, input));
    }
    return outputs;
  }
  const ir::QuantizedNetwork& network = *model.quantized;
  const compression::IntegerExecutor executor(network, {.requantization = *requantization});
  for (const std::vector<float>& input : inputs) {
    outputs.push_back(
        ir::dequantize(network.layers.back().output,
                       executor.run(ir::quantize(network.input_quantization, input))));
  }
  return outputs;
}

void write(exporters::Model model, const exporters::ExporterInfo& exporter, bool is_integer,
           const Arrays& raw, const Arrays& normal, const std::filesystem::path& folder) {
  const std::string format =
      fmt::format("{} {}", exporter.name.starts_with("onnx") ? "ONNX" : "TFLite",
                  !is_integer                         ? "float"
                  : exporter.name.starts_with("onnx") ? "QDQ"
                                                      : "integers");
  nlohmann::json row = {{"network", model.name}, {"format", format}};
  const bool takes_raw = !is_integer || exporter.integers_take_raw_input;
  const auto requantization = is_integer ? exporter.requantization : std::nullopt;
  const nlohmann::json scale =
      is_integer ? nlohmann::json(model.quantized->layers.back().output.scale) : nlohmann::json();
  const std::string base = model.name + (is_integer ? ".int" : ".float");
  const Arrays expected = computed(model, requantization, normal);
  if (!is_integer) model.quantized.reset();
  try {
    const std::string file = base + std::string(exporter.extension);
    exporter.write(model, folder / file);
    row["file"] = file;
    row["inputs"] = write_floats(folder / (file + ".in"), takes_raw ? raw : normal);
    row["expected"] = write_floats(folder / (file + ".out"), expected);
    row["scale"] = scale;
  } catch (const Error& refusal) {
    row["refused"] = refusal.what();
  }
  fmt::print("{}\n", row.dump());
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    fmt::print(stderr, "usage: matrix_networks FOLDER IMAGES\n");
    return 2;
  }
  const data::DataSource source =
      data::read_data(Config::parse("{ name: fashion_mnist }", "matrix_networks"));
  for (const judges::Case& item : {judges::residual(), judges::mobile(), judges::mixed()}) {
    const exporters::Model model = judges::quantized(item, source);
    Arrays raw;
    Arrays normal;
    for (std::size_t i = 0; i < std::stoul(argv[2]); ++i) {
      raw.push_back(judges::image(source.test, i));
      normal.push_back(exporters::normalised(model.normalisation, judges::kImage, raw.back()));
    }
    for (const exporters::ExporterInfo& exporter : exporters::exporters()) {
      if (exporter.name == "c") continue;
      if (!exporter.needs_integers) write(model, exporter, false, raw, normal, argv[1]);
      if (exporter.requantization) write(model, exporter, true, raw, normal, argv[1]);
    }
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "matrix_networks: {}\n", error.what());
  return 1;
}
