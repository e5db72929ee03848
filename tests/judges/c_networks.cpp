// c_networks FOLDER IMAGES: exports three int8 networks as C, each to a folder of its own, with the
// first IMAGES test images of Fashion-MNIST as inputs.bin and what the simulation computes for them
// as expected.bin: for a judge that compiles and runs the C. Weights are random; calibration reads
// training images.

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "compression/integer_executor.hpp"
#include "core/config.hpp"
#include "core/file.hpp"
#include "exporters/c.hpp"
#include "exporters/c_run.hpp"
#include "tests/judges/image_networks.hpp"

namespace {

using namespace hwnas;
using judges::Case;
using judges::image;
using judges::kImage;

void append(std::string& bytes, const std::vector<std::int8_t>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size());
}

void write_case(const Case& item, const data::DataSource& source, std::size_t images,
                const std::filesystem::path& folder) {
  const exporters::Model model = judges::quantized(item, source);
  std::filesystem::create_directories(folder);
  exporters::write_c(model, folder / (item.name + ".c"));
  const compression::IntegerExecutor simulation(*model.quantized);
  const ir::Shape out = ir::infer_shapes(*model.quantized).back();
  std::string inputs;
  std::string expected;
  for (std::size_t i = 0; i < images; ++i) {
    const std::vector<std::int32_t> input =
        ir::quantize(model.quantized->input_quantization,
                     exporters::normalised(model.normalisation, kImage, image(source.test, i)));
    append(inputs, exporters::to_channels_last(input, kImage));
    append(expected, exporters::to_channels_last(simulation.run(input), out));
  }
  write_file_atomically(folder / "inputs.bin", inputs);
  write_file_atomically(folder / "expected.bin", expected);
  fmt::print("{}: {} MACs, arena {} B, constants {} B\n", item.name, ir::macs(item.network),
             exporters::c_source(model).arena_bytes, exporters::c_constant_bytes(*model.quantized));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) {
    fmt::print(stderr, "usage: c_networks FOLDER IMAGES\n");
    return 2;
  }
  const data::DataSource source =
      data::read_data(Config::parse("{ name: fashion_mnist }", "c_networks"));
  const std::filesystem::path folder = argv[1];
  for (const Case& item : {judges::residual(), judges::mobile(), judges::mixed()}) {
    write_case(item, source, std::stoul(argv[2]), folder / item.name);
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "c_networks: {}\n", error.what());
  return 1;
}
