// run_quantized MODEL.tflite INPUTS OUTPUTS [ROUNDING]: runs an int8 or int16 file in the integer
// executor, for judges that run it elsewhere. INPUTS holds one input after another as the file
// takes them (height x width x channels, int8 or little-endian int16); OUTPUTS is written likewise.
// ROUNDING is a requantization mode, tfl_double if it is not there.

#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <limits>

#include "compression/integer_executor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflite.hpp"
#include "exporters/tflite_layout.hpp"

namespace {

using namespace hwnas;
using Values = std::vector<std::int32_t>;

template <typename T>
Values unpacked(std::string_view bytes) {
  Values values(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = value;
  }
  return values;
}

template <typename T>
void pack(const Values& values, std::string& bytes) {
  for (const std::int32_t value : values) {
    const auto narrow = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char*>(&narrow), sizeof(T));
  }
}

std::size_t pixels(const ir::Shape& shape) {
  return static_cast<std::size_t>(shape.height) * shape.width;
}

void run(const ir::QuantizedNetwork& network, ir::Requantization rounding,
         const std::string& inputs, const std::filesystem::path& output_file) {
  const compression::IntegerExecutor executor(network, {.requantization = rounding});
  const ir::Shape& in = network.input;
  const ir::Shape out = ir::infer_shapes(network).back();
  const bool narrow_in = network.input_quantization.bits == 8;
  const bool narrow_out = network.layers.back().output.bits == 8;
  const std::size_t step = in.elements() * (narrow_in ? 1 : 2);
  if (inputs.size() % step != 0) {
    throw invalid_argument("{} bytes of inputs are no multiple of {}", inputs.size(), step);
  }
  std::string outputs;
  for (std::size_t begin = 0; begin < inputs.size(); begin += step) {
    const auto record = std::string_view(inputs).substr(begin, step);
    const Values last = narrow_in ? unpacked<std::int8_t>(record) : unpacked<std::int16_t>(record);
    const Values result = executor.run(exporters::transpose_each(last, pixels(in), in.channels));
    const Values ordered = exporters::transpose_each(result, out.channels, pixels(out));
    narrow_out ? pack<std::int8_t>(ordered, outputs) : pack<std::int16_t>(ordered, outputs);
  }
  write_file_atomically(output_file, outputs);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4 && argc != 5) {
    fmt::print(stderr, "usage: run_quantized MODEL.tflite INPUTS OUTPUTS [ROUNDING]\n");
    return 2;
  }
  const exporters::TfliteNetwork network = exporters::import_tflite(argv[1]);
  const auto* const integer = std::get_if<ir::QuantizedNetwork>(&network);
  if (integer == nullptr) throw invalid_argument("{} is not quantized", argv[1]);
  run(*integer, ir::requantization(argc == 5 ? argv[4] : "tfl_double"),
      read_file(argv[2], std::numeric_limits<std::uintmax_t>::max()), argv[3]);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "run_quantized: {}\n", error.what());
  return 1;
}
