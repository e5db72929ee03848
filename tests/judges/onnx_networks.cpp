// onnx_networks FOLDER IMAGES [saturates]: exports three networks as <name>.onnx and
// <name>.qdq.onnx, with the first IMAGES test images of Fashion-MNIST as inputs.f32 and what the
// integer executor computes for them as <name>.qdq.f32, for judges that run the files elsewhere.
// "saturates" is for processors whose u8·s8 products saturate (x86 without VNNI).

#include <fmt/format.h>

#include <cstdio>

#include "compression/integer_executor.hpp"
#include "core/config.hpp"
#include "core/file.hpp"
#include "tests/judges/image_networks.hpp"

namespace {

using namespace hwnas;

void append(std::string& bytes, const std::vector<float>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

void write_case(const judges::Case& item, const data::DataSource& source, std::size_t images,
                bool saturates, const std::filesystem::path& folder) {
  const exporters::Model model = judges::quantized(item, source);
  const std::vector<std::vector<float>> probes = {judges::image(source.train, 0)};
  exporters::export_model(model, "onnx", folder, probes);
  const exporters::Artifact artifact = exporters::export_model(model, "onnx_qdq", folder, probes);
  const ir::QuantizedNetwork& network = *model.quantized;
  const compression::IntegerExecutor executor(
      network, {.requantization = ir::Requantization::kFloatRne, .u8s8_saturates = saturates});
  std::string expected;
  for (std::size_t i = 0; i < images; ++i) {
    const std::vector<float> input =
        exporters::normalised(model.normalisation, judges::kImage, judges::image(source.test, i));
    append(expected, ir::dequantize(network.layers.back().output,
                                    executor.run(ir::quantize(network.input_quantization, input))));
  }
  write_file_atomically(folder / (item.name + ".qdq.f32"), expected);
  fmt::print("{} {} {}\n", item.name, network.layers.back().output.scale, artifact.bytes);
}

}  // namespace

int main(int argc, char** argv) try {
  const bool saturates = argc == 4 && std::string(argv[3]) == "saturates";
  if (argc != 3 && !saturates) {
    fmt::print(stderr, "usage: onnx_networks FOLDER IMAGES [saturates]\n");
    return 2;
  }
  const data::DataSource source =
      data::read_data(Config::parse("{ name: fashion_mnist }", "onnx_networks"));
  const std::size_t images = std::stoul(argv[2]);
  const std::filesystem::path folder = argv[1];
  std::string inputs;
  for (std::size_t i = 0; i < images; ++i) append(inputs, judges::image(source.test, i));
  write_file_atomically(folder / "inputs.f32", inputs);
  for (const judges::Case& item : {judges::residual(), judges::mobile(), judges::mixed()}) {
    write_case(item, source, images, saturates, folder);
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "onnx_networks: {}\n", error.what());
  return 1;
}
