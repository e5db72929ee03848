// c_kernels FOLDER: exports one-layer networks as C, each to a folder of its own, in pairs that
// differ in their MACs alone, for counting what a kernel's MAC, output and element cost. Prints a
// line for each: name, MACs, outputs, elements read.

#include <fmt/format.h>

#include <cstdio>

#include "core/rng.hpp"
#include "estimators/deployment.hpp"
#include "exporters/c.hpp"

namespace {

using namespace hwnas;

constexpr ir::Quantization kTensor{.scale = 0.05F, .zero_point = -3};

ir::QuantizedLayer layer(const ir::Operator& op) {
  return {.name = "kernel", .op = op, .inputs = {ir::kNetworkInput}, .output = kTensor};
}

/// Random weights of the format, `depth` of them for each output channel.
void set_weights(ir::QuantizedLayer& layer, ir::WeightFormat format, int channels, int depth) {
  const ir::WeightFormatInfo& info = ir::info(format);
  Rng rng(3);
  layer.format = format;
  for (int i = 0; i < channels * depth; ++i) {
    const auto values = static_cast<std::uint64_t>(info.highest - info.lowest + 1);
    const int value = info.lowest + static_cast<int>(rng.index(values));
    layer.weight.push_back(static_cast<std::int8_t>(value == 0 ? 1 : value));
  }
  layer.weight_scales.assign(static_cast<std::size_t>(channels), 0.0005F);
  layer.bias.assign(static_cast<std::size_t>(channels), 100);
}

ir::QuantizedNetwork network(const ir::Shape& input, ir::QuantizedLayer layer) {
  return {.input = input, .input_quantization = kTensor, .layers = {std::move(layer)}};
}

ir::QuantizedNetwork convolution(int in, int out, int kernel, int groups,
                                 ir::WeightFormat format = ir::WeightFormat::kInt8) {
  const int pad = kernel / 2;
  ir::QuantizedLayer conv = layer(ir::Conv2d{
      .out_channels = out,
      .window = {.kernel_height = kernel, .kernel_width = kernel, .padding = {pad, pad, pad, pad}},
      .groups = groups});
  set_weights(conv, format, out, in / groups * kernel * kernel);
  return network({.channels = in, .height = 16, .width = 16}, std::move(conv));
}

ir::QuantizedNetwork linear(int in) {
  ir::QuantizedLayer linear = layer(ir::Linear{32});
  set_weights(linear, ir::WeightFormat::kInt8, 32, in);
  return network({.channels = in, .height = 1, .width = 1}, std::move(linear));
}

ir::QuantizedNetwork elementwise(const ir::Operator& op, int inputs = 1) {
  ir::QuantizedLayer elementwise = layer(op);
  elementwise.inputs.assign(static_cast<std::size_t>(inputs), ir::kNetworkInput);
  return network({.channels = 16, .height = 16, .width = 16}, std::move(elementwise));
}

void write(const std::string& name, const ir::QuantizedNetwork& network,
           const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / name);
  exporters::write_c({.name = name,
                      .network = {},
                      .weights = {},
                      .normalisation = {},
                      .class_names = {},
                      .quantized = network},
                     folder / name / (name + ".c"));
  const estimators::Kernel kernel = estimators::kernels(ir::as_network(network)).front();
  fmt::print("{} {} {} {}\n", name, kernel.macs, kernel.outputs, kernel.elements);
}

void write_all(const std::filesystem::path& folder) {
  using enum ir::WeightFormat;
  write("conv_a", convolution(8, 16, 3, 1), folder);
  write("conv_b", convolution(32, 16, 3, 1), folder);
  for (const ir::WeightFormat format : {kInt8, kInt4, kInt2, kBinary}) {
    const std::string_view name = ir::info(format).name;
    write(fmt::format("pointwise_{}_a", name), convolution(8, 32, 1, 1, format), folder);
    write(fmt::format("pointwise_{}_b", name), convolution(64, 32, 1, 1, format), folder);
    write(fmt::format("depthwise_{}_a", name), convolution(16, 16, 3, 16, format), folder);
    write(fmt::format("depthwise_{}_b", name), convolution(16, 16, 5, 16, format), folder);
  }
  write("linear_a", linear(64), folder);
  write("linear_b", linear(512), folder);
  write("add", elementwise(ir::Add{}, 2), folder);
  write("hard_swish", elementwise(ir::Activation{ir::ActivationKind::kHardSwish}), folder);
  write("average_pool", elementwise(ir::Pool{ir::PoolKind::kAverage, {3, 3, 1, 1, {1, 1, 1, 1}}}),
        folder);
  write("global_average_pool", elementwise(ir::GlobalAveragePool{}), folder);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    fmt::print(stderr, "usage: c_kernels FOLDER\n");
    return 2;
  }
  write_all(argv[1]);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "c_kernels: {}\n", error.what());
  return 1;
}
