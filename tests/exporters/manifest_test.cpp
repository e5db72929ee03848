#include "exporters/manifest.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "exporters/compile_targets.hpp"
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
                      {"test_top1", {91.5, 0, estimators::Origin::kMeasured, {}}}},
          .artifacts = {{"onnx", "/some/where/plain.onnx", std::string(64, 'a'), 77},
                        {"onnx_qdq", "/some/where/plain.qdq.onnx", std::string(64, 'b'), 55},
                        {"tflite", "/some/where/plain.tflite", std::string(64, 'c'), 44}}};
}

json written(const Manifest& manifest, const Model& model) {
  const TemporaryFolder folder;
  write_manifest(manifest, model, folder.path() / "manifest.json");
  return json::parse(read_file(folder.path() / "manifest.json", 1 << 20));
}

/// The second JSON block of docs/manifest.md.
json documented_schema() {
  const std::string page =
      read_file(std::filesystem::path(HWNAS_SOURCE_DIR) / "docs" / "manifest.md", 1 << 20);
  const std::string fence = "```json\n";
  const std::size_t begin = page.find(fence, page.find("## Schema")) + fence.size();
  return json::parse(page.substr(begin, page.find("```", begin) - begin));
}

bool has_type(const json& value, const std::string& type) {
  if (type == "integer") return value.is_number_integer();
  return type == value.type_name();
}

/// As much of JSON Schema as the page uses; stricter in that every key must be documented.
void expect_valid(const json& value, const json& schema, const json& root,
                  const std::string& path) {
  if (schema.contains("$ref")) {
    const std::string pointer = schema["$ref"].get<std::string>().substr(1);
    return expect_valid(value, root.at(json::json_pointer(pointer)), root, path);
  }
  if (schema.contains("const")) {
    EXPECT_EQ(value, schema["const"]) << path;
  }
  if (schema.contains("enum")) {
    EXPECT_THAT(schema["enum"], testing::Contains(value)) << path;
  }
  if (schema.contains("type")) {
    EXPECT_TRUE(has_type(value, schema["type"])) << path << value;
  }
  for (const json& key : schema.value("required", json::array())) {
    EXPECT_TRUE(value.contains(key.get<std::string>())) << path << "/" << key;
  }
  if (value.is_object() &&
      (schema.contains("properties") || schema.contains("additionalProperties"))) {
    const json properties = schema.value("properties", json::object());
    for (const auto& [key, child] : value.items()) {
      const bool named = properties.contains(key);
      ASSERT_TRUE(named || schema.contains("additionalProperties")) << path << "/" << key;
      expect_valid(child, named ? properties[key] : schema["additionalProperties"], root,
                   path + "/" + key);
    }
  }
  if (value.is_array()) {
    const json prefix = schema.value("prefixItems", json::array());
    for (std::size_t i = 0; i < value.size(); ++i) {
      expect_valid(value[i], i < prefix.size() ? prefix[i] : schema["items"], root,
                   path + "/" + std::to_string(i));
    }
  }
}

TEST(Manifest, IsAsDocumented) {
  const json schema = documented_schema();
  for (const auto& entry : ir::zoo::networks()) {
    expect_valid(written(example(), zoo_model(entry)), schema, schema, entry.name);
    if (is_quantizable(entry.network)) {
      expect_valid(written(example(), quantized_zoo_model(entry)), schema, schema, entry.name);
    }
  }
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
  EXPECT_EQ(metrics["test_top1"]["unit"], "%");
}

TEST(Manifest, NamesFileAndCommandOfEveryCompiler) {
  const ir::zoo::ZooNetwork plain{"plain", ir::zoo::plain()};
  const json compile = written(example(), quantized_zoo_model(plain))["compile"];
  EXPECT_EQ(compile.size(), compile_targets().size());
  EXPECT_EQ(compile["openvino"]["command"], "ovc plain.qdq.onnx --output_model plain.xml");
  EXPECT_EQ(compile["edgetpu"]["file"], "plain.tflite");
  EXPECT_EQ(compile["onnc"]["format"], "onnx");
  EXPECT_THAT(compile["tvm"]["command"].get<std::string>(),
              testing::HasSubstr("'plain.qdq.onnx'), shape_dict={'input': [1, 3, 9, 7]}"));
  EXPECT_EQ(compile["c_compiler"]["unavailable"], "export c");
}

TEST(Manifest, OffersNoFileThatACompilerCannotTake) {
  const ir::zoo::ZooNetwork plain{"plain", ir::zoo::plain()};
  const json in_float = written(example(), zoo_model(plain))["compile"];
  EXPECT_EQ(in_float["edgetpu"]["unavailable"], "takes integers of 8 bits only");
  EXPECT_EQ(in_float["glow"]["file"], "plain.tflite");
  const json narrow =
      written(example(),
              quantized_zoo_model(plain, {.default_format = ir::WeightFormat::kInt4}))["compile"];
  EXPECT_EQ(narrow["tvm"]["file"], "plain.onnx");
  EXPECT_EQ(narrow["openvino"]["file"], "plain.qdq.onnx");
  EXPECT_EQ(narrow["edgetpu"]["unavailable"], "takes integers of 8 bits only");
}

TEST(Manifest, SaysHowEachArtifactTakesItsInput) {
  const Model model = quantized_zoo_model({"plain", ir::zoo::plain()});
  const json artifacts = written(example(), model)["artifacts"];
  EXPECT_EQ(artifacts[0]["input"],
            json::parse(R"({"type": "float32", "layout": "NCHW", "normalised_by": "artifact"})"));
  EXPECT_EQ(artifacts[1]["input"]["quantization"]["in_artifact"], true);
  EXPECT_EQ(artifacts[2]["input"]["type"], "int8");
  EXPECT_EQ(artifacts[2]["input"]["normalised_by"], "caller");
  EXPECT_EQ(artifacts[2]["input"]["quantization"]["zero_point"],
            model.quantized->input_quantization.zero_point);
  EXPECT_EQ(artifacts[2]["output"]["quantization"]["scale"].get<float>(),
            model.quantized->layers.back().output.scale);
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
