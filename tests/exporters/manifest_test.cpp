#include "exporters/manifest.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

using nlohmann::json;

Manifest example() {
  return {.experiment = "fashion_mnist_mcu",
          .trial = 12,
          .genotype = "3-0-1",
          .device = "stm32f746",
          .runtime = "tflite_micro",
          .created = "2024-05-01T12:00:00Z",
          .metrics = {{"latency_ms", {3.0, 0.5, estimators::Origin::kPredicted, {}}},
                      {"macs", {1234, 0, estimators::Origin::kExact, {}}},
                      {"test_top1", {0.9, 0, estimators::Origin::kMeasured, {}}}},
          .artifacts = {{"onnx", "/some/where/plain.onnx", std::string(64, 'a'), 77}}};
}

json written(const Manifest& manifest, const Model& model) {
  const TemporaryFolder folder;
  write_manifest(manifest, model, folder.path() / "manifest.json");
  return json::parse(read_file(folder.path() / "manifest.json", 1 << 20));
}

TEST(Manifest, SaysWhatTheCompileStageNeeds) {
  const Model model = zoo_model({"plain", ir::zoo::plain()});
  const json manifest = written(example(), model);
  EXPECT_EQ(manifest["schema"], "hwnas.manifest/1");
  EXPECT_EQ(manifest["model"], json::parse(R"({"name": "plain", "experiment": "fashion_mnist_mcu",
                                               "trial": 12, "genotype": "3-0-1"})"));
  EXPECT_EQ(manifest["target"]["device"], "stm32f746");
  EXPECT_EQ(manifest["input"]["shape"], json::parse(R"(["batch", 3, 9, 7])"));
  EXPECT_EQ(manifest["input"]["normalisation"]["mean"].size(), 3U);
  EXPECT_EQ(manifest["output"]["shape"], json::parse(R"(["batch", 6])"));
  EXPECT_EQ(manifest["output"]["classes"][5], "class 5");
  EXPECT_EQ(manifest["artifacts"][0]["file"], "plain.onnx");
  EXPECT_EQ(manifest["artifacts"][0]["bytes"], 77);
  EXPECT_EQ(manifest["network_hash"], "5182dca0aeeb6275");
  EXPECT_EQ(ir::network_from_json(manifest["network"]), model.network);
}

TEST(Manifest, GivesEveryMetricUnitAndOriginAndPredictionsAnInterval) {
  const json metrics = written(example(), zoo_model({"plain", ir::zoo::plain()}))["metrics"];
  EXPECT_EQ(metrics["latency_ms"]["unit"], "ms");
  EXPECT_EQ(metrics["latency_ms"]["origin"], "predicted");
  EXPECT_NEAR(metrics["latency_ms"]["interval_95"][0].get<double>(), 2.02, 1e-3);
  EXPECT_NEAR(metrics["latency_ms"]["interval_95"][1].get<double>(), 3.98, 1e-3);
  EXPECT_EQ(metrics["macs"]["unit"], "MAC");
  EXPECT_EQ(metrics["macs"]["origin"], "exact");
  EXPECT_FALSE(metrics["macs"].contains("interval_95"));
  EXPECT_EQ(metrics["test_top1"]["unit"], "1");
}

TEST(Manifest, OfAMapGivesItsWholeShape) {
  const Model model = zoo_model({"map", ir::zoo::fully_convolutional()});
  EXPECT_EQ(written(example(), model)["output"]["shape"], json::parse(R"(["batch", 2, 2, 2])"));
}

TEST(Manifest, SurvivesNamesThatAreNotUtf8) {
  Manifest manifest = example();
  manifest.experiment = "caf\xe9";
  EXPECT_EQ(written(manifest, zoo_model({"plain", ir::zoo::plain()}))["model"]["experiment"],
            "caf\xef\xbf\xbd");
}

}  // namespace
}  // namespace hwnas::exporters
