#include "exporters/exporter.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <limits>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/deployed.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

using testing::HasSubstr;

struct Case {
  ExporterInfo exporter;
  ir::zoo::ZooNetwork network;
};

/// TensorFlow Lite has no average over a padding that is neither SAME nor VALID.
bool is_written(const ExporterInfo& exporter, const ir::zoo::ZooNetwork& network) {
  return exporter.name != "tflite" || network.name != "asymmetric_padding";
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const ExporterInfo& exporter : exporters()) {
    for (const auto& network : ir::zoo::networks()) {
      if (!is_written(exporter, network)) continue;
      if (!exporter.requantization || is_quantizable(network.network)) {
        cases.push_back({exporter, network});
      }
    }
  }
  return cases;
}

/// Every exporter on every network of the zoo.
class EveryExporter : public testing::TestWithParam<Case> {
 protected:
  const Model model_ = GetParam().exporter.requantization ? quantized_zoo_model(GetParam().network)
                                                          : zoo_model(GetParam().network);
  const TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Zoo, EveryExporter, testing::ValuesIn(all_cases()), [](const auto& test) {
  return std::string(test.param.exporter.name) + "_" + test.param.network.name;
});

TEST_P(EveryExporter, WritesAnArtifactThatComputesTheModel) {
  const std::vector<std::vector<float>> inputs = probes(model_, 3);
  // Integers are compared with the integer executor here.
  const Artifact artifact = export_model(model_, GetParam().exporter.name, folder_.path(), inputs);
  if (GetParam().exporter.requantization) return;
  for (const std::vector<float>& input : inputs) {
    // The model as it was trained: neither folded nor pruned.
    const std::vector<float> expected =
        ir::run_reference(model_.network, model_.weights,
                          normalised(model_.normalisation, model_.network.input, input));
    EXPECT_THAT(GetParam().exporter.run(artifact.file, input),
                testing::Pointwise(testing::FloatNear(1e-4F), expected));
  }
}

TEST_P(EveryExporter, WritesEqualBytesForEqualModels) {
  GetParam().exporter.write(model_, folder_.path() / "a");
  GetParam().exporter.write(model_, folder_.path() / "b");
  EXPECT_TRUE(read_file(folder_.path() / "a", 1 << 20) == read_file(folder_.path() / "b", 1 << 20));
}

TEST_P(EveryExporter, NeverCrashesOnADamagedArtifact) {
  const std::filesystem::path file = folder_.path() / "damaged";
  GetParam().exporter.write(model_, file);
  const std::string whole = read_file(file, 1 << 20);
  const std::vector<float> input = probes(model_, 1).front();
  Rng rng(23);
  for (int trial = 0; trial < 60; ++trial) {
    std::string bytes = whole;
    if (trial % 2 == 0) {
      bytes.resize(rng.index(bytes.size()));
    } else {
      // Half the flips hit the first kilobyte, where the structure is denser.
      const std::size_t range =
          trial % 4 == 1 ? std::min<std::size_t>(1024, bytes.size()) : bytes.size();
      bytes[rng.index(range)] = static_cast<char>(rng.index(256));
    }
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
    try {
      GetParam().exporter.run(file, input);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.what();
    }
  }
}

class ExportModel : public testing::Test {
 protected:
  std::string refusal(const Model& model, std::string_view format = "onnx") const {
    try {
      export_model(model, format, folder_.path(), probes(model_, 1));
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  Model model_ = zoo_model({"plain", ir::zoo::plain()});
  const TemporaryFolder folder_;
};

TEST_F(ExportModel, SaysWhatItWrote) {
  const Artifact artifact = export_model(model_, "onnx", folder_.path() / "new", probes(model_, 1));
  EXPECT_EQ(artifact.format, "onnx");
  EXPECT_EQ(artifact.file, folder_.path() / "new" / "plain.onnx");
  EXPECT_EQ(artifact.bytes, std::filesystem::file_size(artifact.file));
  EXPECT_THAT(artifact.sha256, testing::MatchesRegex("[0-9a-f]{64}"));
  // Nothing beside the artifact is left.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path() / "new"), {}), 1);
}

TEST_F(ExportModel, RefusesWhatCannotBeVerified) {
  EXPECT_THAT(refusal(model_, "onxn"), HasSubstr("no export format 'onxn', did you mean 'onnx'?"));
  try {
    export_model(model_, "onnx", folder_.path(), {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no probes"));
  }
}

TEST_F(ExportModel, RefusesNamesThatLeadOutOfTheFolder) {
  for (const char* const name : {"", "..", "../evil", "a/b", ".hidden", "new\nline"}) {
    model_.name = name;
    EXPECT_THAT(refusal(model_), HasSubstr("model name")) << name;
  }
}

TEST_F(ExportModel, RefusesDivergedWeights) {
  model_.weights.layers.at("linear_6").bias.values[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refusal(model_), HasSubstr("'linear_6' are not finite"));
}

TEST_F(ExportModel, RefusesANormalisationThatDoesNotFit) {
  model_.normalisation.mean.pop_back();
  EXPECT_THAT(refusal(model_), HasSubstr("2 means and 3 deviations for 3 input channels"));
  model_.normalisation.mean.push_back(0);
  model_.normalisation.std_dev[1] = 0;
  EXPECT_THAT(refusal(model_), HasSubstr("deviations over 0"));
}

TEST_F(ExportModel, RefusesMissingWeights) {
  model_.weights.layers.erase("conv2d_0");
  EXPECT_THAT(refusal(model_), HasSubstr("'conv2d_0'"));
}

TEST_F(ExportModel, KeepsTheEarlierArtifactWhenItRefuses) {
  const Artifact first = export_model(model_, "onnx", folder_.path(), probes(model_, 1));
  const std::string before = read_file(first.file, 1 << 20);
  // Finite weights with an infinite output: the outputs cannot be compared.
  for (auto& [name, layer] : model_.weights.layers) {
    for (float& value : layer.weight.values) value = 3e38F;
  }
  EXPECT_THAT(refusal(model_), HasSubstr("outputs differ"));
  EXPECT_TRUE(read_file(first.file, 1 << 20) == before);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1);
}

TEST(Deployed, DropsDeadLayersThenFolds) {
  const ir::FoldedNetwork network = deployed(zoo_model({"zero_edges", ir::zoo::zero_edges()}));
  for (const ir::Layer& layer : network.network.layers) {
    EXPECT_FALSE(std::holds_alternative<ir::Zero>(layer.op)) << layer.name;
    EXPECT_FALSE(std::holds_alternative<ir::BatchNorm>(layer.op)) << layer.name;
  }
  EXPECT_NO_THROW(ir::verify(network.network, network.weights));
}

TEST(Normalised, WorksPerChannel) {
  const data::Normalisation normalisation{.mean = {1, 2}, .std_dev = {2, 4}};
  EXPECT_THAT(normalised(normalisation, {2, 1, 2}, {1, 3, 2, 10}),
              testing::ElementsAre(0, 1, 0, 2));
  EXPECT_THAT(normalised({}, {1, 1, 2}, {1, 3}), testing::ElementsAre(1, 3));
}

}  // namespace
}  // namespace hwnas::exporters
