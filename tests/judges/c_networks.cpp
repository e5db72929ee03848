// c_networks FOLDER IMAGES: exports three int8 networks as C, each to a folder of its own, with the
// first IMAGES test images of Fashion-MNIST as inputs.bin and what the simulation computes for them
// as expected.bin: for a judge that compiles and runs the C. Weights are random; calibration reads
// training images.

#include <fmt/format.h>

#include <cstdio>
#include <string>

#include "compression/integer_executor.hpp"
#include "compression/quantizer.hpp"
#include "core/config.hpp"
#include "core/file.hpp"
#include "exporters/c.hpp"
#include "exporters/c_run.hpp"
#include "exporters/deployed.hpp"
#include "tests/ir/network_zoo.hpp"

namespace {

using namespace hwnas;
using ir::zoo::conv;
using ir::zoo::square;

const ir::Shape kImage{.channels = 1, .height = 28, .width = 28};
constexpr std::size_t kCalibrationImages = 32;

struct Case {
  std::string name;
  ir::Network network;
  compression::BitWidths widths;
};

/// Residual blocks of full convolutions: 2.1 million MACs.
Case residual() {
  ir::zoo::Builder net(kImage);
  int x = net.conv_block(conv(8, square(3)), ir::ActivationKind::kRelu);
  for (const int channels : {8, 16, 24}) {
    const int stride = channels == 8 ? 1 : 2;
    net.add(conv(channels, square(3, stride)), {x});
    net.add(ir::BatchNorm{});
    net.add(ir::Activation{});
    net.add(conv(channels, square(3)));
    const int body = net.add(ir::BatchNorm{});
    const int shortcut = stride == 1 ? x : net.add(conv(channels, square(1, stride)), {x});
    net.add(ir::Add{}, {body, shortcut});
    x = net.add(ir::Activation{});
  }
  net.add(ir::GlobalAveragePool{});
  net.add(ir::Linear{10});
  return {"residual", net.take(), {}};
}

/// Inverted residuals with squeeze-and-excite and hard-swish.
Case mobile() {
  ir::zoo::Builder net(kImage);
  int x = net.conv_block(conv(8, square(3, 2)), ir::ActivationKind::kHardSwish);
  for (const int kernel : {3, 5}) {
    net.conv_block(conv(32, square(1)), ir::ActivationKind::kRelu6);
    const int features =
        net.conv_block(conv(32, square(kernel), 32), ir::ActivationKind::kHardSwish);
    net.add(ir::GlobalAveragePool{});
    net.add(conv(8, square(1), 1, true));
    net.add(ir::Activation{});
    net.add(conv(32, square(1), 1, true));
    const int gate = net.add(ir::Activation{ir::ActivationKind::kHardSigmoid});
    net.add(ir::Mul{}, {features, gate});
    net.add(conv(8, square(1)));
    const int projected = net.add(ir::BatchNorm{});
    x = net.add(ir::Add{}, {x, projected});
  }
  net.conv_block(conv(24, square(3, 2)), ir::ActivationKind::kRelu);
  net.add(ir::GlobalAveragePool{});
  net.add(ir::Linear{10});
  net.add(ir::Softmax{});
  return {"mobile", net.take(), {}};
}

/// Branches, pools and a flattened map, with weights of every format.
Case mixed() {
  ir::zoo::Builder net(kImage);
  const int stem = net.conv_block(conv(12, square(3, 2)), ir::ActivationKind::kRelu);
  const int left = net.conv_block(conv(12, square(3), 12), ir::ActivationKind::kRelu);
  net.add(ir::Pool{ir::PoolKind::kAverage, square(3)}, {stem});
  const int right = net.conv_block(conv(12, square(1)), ir::ActivationKind::kRelu);
  const int both = net.add(ir::Concat{}, {left, right});
  net.conv_block(conv(24, square(3), 4), ir::ActivationKind::kRelu);
  net.add(ir::Pool{ir::PoolKind::kMax, {2, 2, 2, 2, {}}});
  const int body = net.conv_block(conv(16, square(3)), ir::ActivationKind::kRelu);
  net.add(ir::Flatten{});
  net.add(ir::Linear{10});
  Case result{"mixed", net.take(), {}};
  using enum ir::WeightFormat;
  const auto set = [&](int block, ir::WeightFormat format) {
    result.widths.formats[result.network.layers[static_cast<std::size_t>(block) - 2].name] = format;
  };
  set(left, kInt4);
  set(right, kBinary);
  set(both + 3, kTernary);
  set(body, kInt2);
  result.widths.formats[result.network.layers.back().name] = kInt4;
  return result;
}

std::vector<float> image(const data::Dataset& images, std::size_t index) {
  std::vector<float> values;
  const auto size = static_cast<std::size_t>(images.shape.elements());
  for (std::size_t i = index * size; i < (index + 1) * size; ++i) {
    values.push_back(static_cast<float>(images.bytes[i]) / 255);
  }
  return values;
}

exporters::Model quantized(const Case& item, const data::DataSource& source) {
  exporters::Model model{.name = item.name,
                         .network = item.network,
                         .weights = ir::zoo::random_weights(item.network, 11),
                         .normalisation = {.mean = {0.286F}, .std_dev = {0.353F}},
                         .class_names = source.train.class_names};
  const compression::Samples samples{.count = kCalibrationImages, .at = [&](std::size_t i) {
                                       return exporters::normalised(model.normalisation, kImage,
                                                                    image(source.train, i));
                                     }};
  const ir::FoldedNetwork low = compression::lowered(model.network, model.weights);
  const ir::NetworkScales plan = compression::plan_scales(low.network, item.widths);
  const auto observed = compression::observe(low, plan, samples);
  model.quantized =
      compression::quantized(low, compression::calibrated(low, plan, observed, "min_max"));
  return model;
}

void append(std::string& bytes, const std::vector<std::int8_t>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size());
}

void write_case(const Case& item, const data::DataSource& source, std::size_t images,
                const std::filesystem::path& folder) {
  const exporters::Model model = quantized(item, source);
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
  for (const Case& item : {residual(), mobile(), mixed()}) {
    write_case(item, source, std::stoul(argv[2]), folder / item.name);
  }
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "c_networks: {}\n", error.what());
  return 1;
}
