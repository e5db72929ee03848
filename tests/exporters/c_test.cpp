#include "exporters/c.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "compression/integer_executor.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/process.hpp"
#include "estimators/cost_model.hpp"
#include "exporters/c_run.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

using testing::HasSubstr;

/// Inputs of which a third are extreme values, where things saturate.
std::vector<std::int32_t> random_integers(std::int64_t count, Rng& rng) {
  std::vector<std::int32_t> values;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t kind = rng.index(6);
    const int value = static_cast<int>(rng.index(256)) - 128;
    values.push_back(kind == 0 ? -128 : kind == 1 ? 127 : value);
  }
  return values;
}

/// Outputs of the compiled C that differ from the simulation's, over `count` random inputs.
int mismatches(const Model& model, const std::filesystem::path& folder, int count,
               ir::Requantization mode = ir::Requantization::kTflDouble) {
  const CSource text = c_source(model, mode);
  write_file_atomically(folder / (model.name + ".h"), text.header);
  write_file_atomically(folder / (model.name + ".c"), text.source);
  const compression::IntegerExecutor simulation(*model.quantized, {.requantization = mode});
  const CompiledC program(folder / (model.name + ".c"));
  Rng rng(3);
  std::vector<std::int8_t> inputs;
  std::vector<std::int8_t> expected;
  const ir::Shape out = ir::infer_shapes(*model.quantized).back();
  for (int i = 0; i < count; ++i) {
    const std::vector<std::int32_t> input = random_integers(model.quantized->input.elements(), rng);
    const auto bytes = to_channels_last(input, model.quantized->input);
    inputs.insert(inputs.end(), bytes.begin(), bytes.end());
    const auto output = to_channels_last(simulation.run(input), out);
    expected.insert(expected.end(), output.begin(), output.end());
  }
  const std::vector<std::int8_t> actual = program.run(inputs);
  EXPECT_EQ(actual.size(), expected.size());
  int count_of_mismatches = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    count_of_mismatches += actual[i] == expected[i] ? 0 : 1;
  }
  return count_of_mismatches;
}

bool is_quantizable(const ir::zoo::ZooNetwork& entry) {
  for (const ir::Layer& layer : ir::remove_dead_layers(entry.network).layers) {
    if (std::holds_alternative<ir::Zero>(layer.op)) return false;
  }
  return true;
}

std::vector<ir::zoo::ZooNetwork> quantizable_networks() {
  std::vector<ir::zoo::ZooNetwork> networks = ir::zoo::networks();
  std::erase_if(networks, [](const auto& entry) { return !is_quantizable(entry); });
  return networks;
}

class CExportOf : public testing::TestWithParam<ir::zoo::ZooNetwork> {
 protected:
  const TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Zoo, CExportOf, testing::ValuesIn(quantizable_networks()),
                         [](const auto& test) { return test.param.name; });

TEST_P(CExportOf, TheZooComputesTheSimulationBitForBit) {
  EXPECT_EQ(mismatches(quantized_zoo_model(GetParam()), folder_.path(), 50), 0);
}

TEST_P(CExportOf, TheZooComputesTheSimulationWithSingleRounding) {
  EXPECT_EQ(mismatches(quantized_zoo_model(GetParam()), folder_.path(), 50,
                       ir::Requantization::kTflSingle),
            0);
}

TEST_P(CExportOf, TheZooTakesTheArenaAndConstantsThatArePredicted) {
  const Model model = quantized_zoo_model(GetParam());
  const CSource text = c_source(model);
  EXPECT_EQ(text.constant_bytes, c_constant_bytes(*model.quantized));
  EXPECT_EQ(text.arena_bytes,
            estimators::peak_sram(ir::as_network(*model.quantized), kCSramOptions).bytes);
}

TEST_P(CExportOf, TheZooTakesWhatTheCostModelsOfItsRuntimePredict) {
  const estimators::DeviceProfile device =
      estimators::load_device(HWNAS_SOURCE_DIR "/configs/devices/stm32f746.yaml");
  const auto predict = [&](const char* metric, const ir::Network& network) {
    return estimators::make_cost_model(metric, device, device.runtime("hwnas_c"))
        ->predict(network)
        .value;
  };
  const Model model = quantized_zoo_model(GetParam());
  const CSource text = c_source(model);
  const ir::Network integers = ir::as_network(*model.quantized);
  EXPECT_EQ(predict("flash_bytes", integers), static_cast<double>(text.constant_bytes));
  EXPECT_EQ(predict("peak_sram_bytes", integers), static_cast<double>(text.arena_bytes));
  // Before anything is quantized, too, if no layer asks for other bits.
  ir::Network trained = model.network;
  for (ir::Layer& layer : trained.layers) layer.precision = {};
  EXPECT_EQ(predict("flash_bytes", trained), static_cast<double>(text.constant_bytes));
}

class CExportIn : public testing::TestWithParam<ir::WeightFormatInfo> {
 protected:
  const TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Formats, CExportIn,
                         testing::ValuesIn(ir::weight_formats().begin(),
                                           ir::weight_formats().end()),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(CExportIn, PackedWeightsComputesTheSimulationBitForBit) {
  for (const auto& network :
       {ir::zoo::inverted_residual(), ir::zoo::dilated_groups(), ir::zoo::asymmetric_padding()}) {
    const Model model =
        quantized_zoo_model({"packed", network}, {.default_format = GetParam().format});
    EXPECT_EQ(mismatches(model, folder_.path(), 30), 0);
  }
}

TEST(CExport, PacksWeightsIntoTheirBits) {
  const ir::zoo::ZooNetwork entry{"net", ir::zoo::plain()};
  std::int64_t weights = 0;
  std::int64_t others = 256;  // the sigmoid's table
  const Model model = quantized_zoo_model(entry);
  for (const ir::QuantizedLayer& layer : model.quantized->layers) {
    weights += std::ssize(layer.weight);
    others += 9 * std::ssize(layer.bias);
  }
  const auto bytes = [&](ir::WeightFormat format) {
    return c_source(quantized_zoo_model(entry, {.default_format = format})).constant_bytes - others;
  };
  EXPECT_EQ(bytes(ir::WeightFormat::kInt8), weights);
  EXPECT_NEAR(bytes(ir::WeightFormat::kInt4), weights / 2.0, 3);
  EXPECT_NEAR(bytes(ir::WeightFormat::kTernary), weights / 4.0, 3);
  EXPECT_NEAR(bytes(ir::WeightFormat::kBinary), weights / 8.0, 3);
}

TEST(CExport, HoldsNothingButTheConstantsAndTheArenaThatItStates) {
  const TemporaryFolder folder;
  for (const auto& entry : quantizable_networks()) {
    const Model model = quantized_zoo_model(entry, {.default_format = ir::WeightFormat::kInt4});
    const CSource text = c_source(model);
    write_c(model, folder.path() / "net.c");
    const auto succeeds = [&](const std::vector<std::string>& arguments) {
      return run_process({.arguments = arguments,
                          .folder = folder.path(),
                          .input = {},
                          .output = folder.path() / "symbols"})
          .succeeded();
    };
    ASSERT_TRUE(succeeds({"cc", "-std=c99", "-Os", "-c", "-o", "net.o", "net.c"}));
    ASSERT_TRUE(succeeds({"nm", "-S", "-t", "d", "net.o"}));
    std::ifstream symbols(folder.path() / "symbols");
    std::int64_t constants = 0;
    std::int64_t memory = 0;
    for (std::string line; std::getline(symbols, line);) {
      std::istringstream words(line);
      std::string address, size, kind;
      if (!(words >> address >> size >> kind)) continue;
      if (kind == "r" || kind == "R") constants += std::stoll(size);
      if (kind == "b" || kind == "B" || kind == "d" || kind == "D") memory += std::stoll(size);
    }
    EXPECT_EQ(constants, text.constant_bytes) << entry.name;
    EXPECT_EQ(memory, text.arena_bytes) << entry.name;
  }
}

TEST(CExport, ComputesSoftmaxOfManyClassesAndOfTies) {
  const TemporaryFolder folder;
  ir::QuantizedNetwork network{.input = {.channels = 600, .height = 1, .width = 1},
                               .input_quantization = {.scale = 0.05F, .zero_point = 3},
                               .layers = {{.name = "softmax",
                                           .op = ir::Softmax{},
                                           .inputs = {ir::kNetworkInput},
                                           .output = ir::kUnitRange}}};
  for (const float scale : {0.004F, 0.05F, 1.7F}) {
    network.input_quantization.scale = scale;
    Model model{.name = "softmax",
                .network = {},
                .weights = {},
                .normalisation = {},
                .class_names = {},
                .quantized = network};
    EXPECT_EQ(mismatches(model, folder.path(), 20), 0) << scale;
    network.input.channels = network.input.channels == 600 ? 2 : 10;
  }
}

TEST(CExport, SharesOneFunctionAmongLayersOfOneShape) {
  ir::zoo::Builder net({4, 6, 6});
  for (int i = 0; i < 3; ++i) {
    net.add(ir::zoo::conv(4, ir::zoo::square(3)), {i == 0 ? ir::kNetworkInput : i - 1});
  }
  const std::string source = c_source(quantized_zoo_model({"net", net.take()})).source;
  std::size_t definitions = 0;
  for (std::size_t at = source.find("static void conv"); at != std::string::npos;
       at = source.find("static void conv", at + 1)) {
    ++definitions;
  }
  EXPECT_EQ(definitions, 1);
}

TEST(CExport, RunsFromTheFloatInputThatTheModelTakes) {
  const TemporaryFolder folder;
  const Model model = quantized_zoo_model({"net", ir::zoo::inverted_residual()});
  write_c(model, folder.path() / "net.c");
  const std::vector<float> input = probes(model, 1).front();
  const compression::IntegerExecutor simulation(*model.quantized);
  const std::vector<float> expected = ir::dequantize(
      model.quantized->layers.back().output,
      simulation.run(ir::quantize(model.quantized->input_quantization,
                                  normalised(model.normalisation, model.network.input, input))));
  EXPECT_EQ(run_c(folder.path() / "net.c", input), expected);
}

TEST(CExport, DoesNotCompileAFileThatWasChanged) {
  const TemporaryFolder folder;
  const Model model = quantized_zoo_model({"net", ir::zoo::plain()});
  write_c(model, folder.path() / "net.c");
  const std::string source = read_file(folder.path() / "net.c", 1 << 20);
  const auto refusal = [&] {
    try {
      CompiledC(folder.path() / "net.c");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  Rng rng(5);
  for (int trial = 0; trial < 200; ++trial) {
    std::string damaged = source;
    if (trial % 2 == 0) damaged.resize(rng.index(source.size()));
    if (trial % 2 == 1) damaged[rng.index(source.size())] ^= 1;
    write_file_atomically(folder.path() / "net.c", damaged);
    EXPECT_NE(refusal(), "");
  }
  write_file_atomically(folder.path() / "net.c", source);
  EXPECT_EQ(refusal(), "");
  std::ofstream(folder.path() / "net.h", std::ios::app) << "int surprise;\n";
  EXPECT_THAT(refusal(), HasSubstr("was changed after it was written; export it again"));
}

TEST(CExport, SaysWhatItCannotExpress) {
  const auto refusal = [](const Model& model, ir::Requantization mode) {
    try {
      c_source(model, mode);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  Model model = quantized_zoo_model({"net", ir::zoo::plain()});
  EXPECT_THAT(refusal(model, ir::Requantization::kFloatRne), HasSubstr("not float_rne"));
  model.name = "*/ int main";
  EXPECT_THAT(refusal(model, ir::Requantization::kTflDouble), HasSubstr("model name"));
  model.name = "net";
  model.quantized.reset();
  EXPECT_THAT(refusal(model, ir::Requantization::kTflDouble), HasSubstr("quantize it first"));
  ir::zoo::Builder net({2, 4, 4});
  net.add(ir::zoo::conv(3, ir::zoo::square(3)), {ir::kNetworkInput});
  net.add(ir::Flatten{});
  EXPECT_THAT(refusal(quantized_zoo_model({"net", net.take()}), ir::Requantization::kTflDouble),
              HasSubstr("cannot end in a flattened map"));
}

}  // namespace
}  // namespace hwnas::exporters
