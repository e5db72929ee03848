#include "engine/experiment.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <ostream>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kExperiment = R"(version: 1
name: small
seed: 7
data: { name: csv_series, train: a.csv, test: b.csv }
space:
  family: conv1d
  stages: [ { depth: 1, channels: [ 8, 16 ], kernel: 3 } ]
device: { name: stm32f746, runtime: tflite_micro }
objectives: [ maximize val_top1, minimize latency_ms ]
limits: { macs: 30e6, flash_bytes: 64000 }
search: { strategy: nsga2, trials: 48, population: 20, window: 6 }
evaluator: { name: train, epochs: 3, subset: 12000 }
finalists: { count: 2, epochs: 30, optimizer: adamw }
export: [ onnx ]
execution: { workers: 2, threads: 1 }
)";

Experiment parse(const std::string& text) {
  return Experiment::parse(Config::parse(text, "e.yaml"), HWNAS_SOURCE_DIR "/configs/experiments");
}

std::string with(const std::string& from, const std::string& to) {
  std::string text = kExperiment;
  const std::size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

TEST(Experiment, IsReadInFull) {
  const Experiment experiment = parse(kExperiment);
  EXPECT_EQ(experiment.name, "small");
  EXPECT_EQ(experiment.seed, 7U);
  EXPECT_EQ(experiment.validation_fraction, 0.1);
  EXPECT_EQ(experiment.space.at("family").as_string(), "conv1d");
  EXPECT_EQ(experiment.device.name, "stm32f746");
  EXPECT_EQ(experiment.runtime, "tflite_micro");
  ASSERT_EQ(experiment.objectives.size(), 2U);
  EXPECT_EQ(experiment.objectives[0].metric, "val_top1");
  EXPECT_TRUE(experiment.objectives[0].maximize);
  EXPECT_EQ(experiment.objectives[1].metric, "latency_ms");
  EXPECT_FALSE(experiment.objectives[1].maximize);
  ASSERT_EQ(experiment.limits.size(), 2U);
  EXPECT_EQ(experiment.limits[0].metric, "macs");
  EXPECT_EQ(experiment.limits[0].bound, 30e6);
  EXPECT_EQ(experiment.trials, 48U);
  EXPECT_EQ(experiment.window, 6U);
  EXPECT_EQ(experiment.finalists.count, 2);
  EXPECT_EQ(experiment.finalists.train.epochs, 30);
  EXPECT_EQ(experiment.finalists.train.optimizer, train::Optimizer::kAdamW);
  EXPECT_EQ(experiment.exports, std::vector<std::string>{"onnx"});
  EXPECT_EQ(experiment.workers, 2);
}

TEST(Experiment, ALimitMayAskForConfidence) {
  const Experiment experiment =
      parse(with("macs: 30e6", "latency_ms: { at_most: 5, confidence: 0.9 }"));
  EXPECT_EQ(experiment.limits[0].bound, 5);
  EXPECT_EQ(experiment.limits[0].confidence, 0.9);
  EXPECT_EQ(experiment.limits[1].confidence, 0.5);
}

TEST(Experiment, NeedsLittle) {
  const Experiment experiment = parse(R"(version: 1
name: least
data: { name: none, input: [ 3, 32, 32 ], classes: 10 }
space: { family: nasbench201 }
device: { name: stm32f746, runtime: tflite_micro }
objectives: [ maximize val_top1 ]
search: { strategy: random, trials: 1 }
evaluator: { name: table, tables: [ { file: t.csv, key: ops, metrics: { val_top1: a } } ] }
)");
  EXPECT_EQ(experiment.task_without_data->input, (ir::Shape{3, 32, 32}));
  EXPECT_EQ(experiment.task_without_data->classes, 10);
  EXPECT_EQ(experiment.seed, 0U);
  EXPECT_EQ(experiment.window, 4U);
  EXPECT_EQ(experiment.workers, 1);
  EXPECT_EQ(experiment.finalists.count, 0);
  EXPECT_TRUE(experiment.limits.empty());
}

TEST(Experiment, IsSelfContainedOnceRead) {
  const Experiment first = parse(kExperiment);
  const Experiment again = Experiment::parse(Config::parse(first.config.to_yaml(), "stored"),
                                             "/nowhere/configs/experiments");
  EXPECT_EQ(again.config.to_yaml(), first.config.to_yaml());
  EXPECT_EQ(again.device.clock_hz.value, first.device.clock_hz.value);
  EXPECT_EQ(again.space.to_yaml(), first.space.to_yaml());
}

TEST(Experiment, TakesTheSpaceFromAFile) {
  const TemporaryFolder folder;
  folder.write("space.yaml", "family: nasbench201\n");
  const Experiment experiment = Experiment::parse(
      Config::parse(with("space:\n  family: conv1d\n  stages: [ { depth: 1, channels: [ 8, 16 ], "
                         "kernel: 3 } ]",
                         "space: { file: space.yaml }"),
                    "e.yaml"),
      folder.path());
  EXPECT_EQ(experiment.space.at("family").as_string(), "nasbench201");
  EXPECT_EQ(experiment.config.at("space").at("family").as_string(), "nasbench201");
}

TEST(Experiment, FindsDevicesBesideItFirst) {
  const TemporaryFolder folder;
  std::ifstream shipped(HWNAS_SOURCE_DIR "/configs/devices/stm32f746.yaml");
  std::string device{std::istreambuf_iterator<char>(shipped), {}};
  device.replace(device.find("name: stm32f746"), 15, "name: special");
  folder.write("devices/stm32f746.yaml", device);
  const auto file = folder.write("experiments/e.yaml", kExperiment);
  EXPECT_EQ(Experiment::load(file).device.name, "special");
}

TEST(Experiment, FindsDevicesNamedByTheEnvironment) {
  const TemporaryFolder folder;
  std::ifstream shipped(HWNAS_SOURCE_DIR "/configs/devices/stm32f746.yaml");
  const std::string device{std::istreambuf_iterator<char>(shipped), {}};
  folder.write("configs/devices/own_board.yaml", device);
  const auto file = folder.write("e.yaml", with("name: stm32f746", "name: own_board"));
  EXPECT_THROW(Experiment::load(file), Error);
  ::setenv("HWNAS_CONFIGS", (folder / "configs").c_str(), 1);
  EXPECT_NO_THROW(Experiment::load(file));
  ::unsetenv("HWNAS_CONFIGS");
}

TEST(Experiment, AppliesSetsBeforeItChecks) {
  const TemporaryFolder folder;
  const auto file = folder.write("e.yaml", with("trials: 48", "trials: none"));
  const Experiment experiment =
      Experiment::load(file, {"search.trials=9", "limits.peak_sram_bytes=1e5"});
  EXPECT_EQ(experiment.trials, 9U);
  EXPECT_EQ(experiment.limits.size(), 3U);
  EXPECT_THROW(Experiment::load(file, {"search.trials"}), Error);
}

struct Mistake {
  std::string name;
  std::string from;
  std::string to;
  std::string message;
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) {
  return out << mistake.name;
}

class ExperimentMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(ExperimentMistakes, AreToldWithTheirPlace) {
  try {
    parse(with(GetParam().from, GetParam().to));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), StartsWith("e.yaml:"));
    EXPECT_THAT(error.what(), HasSubstr(GetParam().message));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Everywhere, ExperimentMistakes,
    testing::Values(
        Mistake{"version", "version: 1", "version: 2", "e.yaml:1:10: "},
        Mistake{"top_key", "limits:", "limit:", "e.yaml:10:1: "},
        Mistake{"missing_key", "objectives: [ maximize val_top1, minimize latency_ms ]\n", "",
                "objectives"},
        Mistake{"name", "name: small", "name: ../up", "e.yaml:2:7: "},
        Mistake{"data_set", "name: csv_series", "name: csv_serie",
                "e.yaml:4:15: data.name: unknown data set 'csv_serie', did you mean 'csv_series'?"},
        Mistake{"family", "family: conv1d", "family: conv1", "e.yaml:6:11: "},
        Mistake{"space_file",
                "space:\n  family: conv1d\n  stages: [ { depth: 1, channels: [ 8, 16 ],"
                " kernel: 3 } ]",
                "space: { file: gone.yaml }", "e.yaml:5:16: space.file: no file "},
        Mistake{"device", "name: stm32f746", "name: stm32f747",
                "unknown device 'stm32f747', did you mean 'stm32f746'?"},
        Mistake{"runtime", "runtime: tflite_micro", "runtime: tflite_mico",
                "did you mean 'tflite_micro'?"},
        Mistake{"two_devices", "device: { name: stm32f746,", "device: { name: a, file: b,",
                "give exactly one of"},
        Mistake{"objective_form", "maximize val_top1", "val_top1",
                "e.yaml:9:15: objectives[0]: 'val_top1' is not an objective"},
        Mistake{"objective_metric", "minimize latency_ms", "minimize latency",
                "unknown metric 'latency'"},
        Mistake{"objective_twice", "minimize latency_ms", "minimize val_top1",
                "is an objective already"},
        Mistake{"no_objective", "[ maximize val_top1, minimize latency_ms ]", "[]",
                "give 1 to 3 objectives"},
        Mistake{"limit_metric", "macs: 30e6", "flops: 30e6", "unknown cost 'flops'"},
        Mistake{"limit_of_evaluator", "macs: 30e6", "val_top1: 3", "unknown cost 'val_top1'"},
        Mistake{"limit_confidence", "macs: 30e6", "latency_ms: { at_most: 5, confidence: 1 }",
                "e.yaml:10:49: "},
        Mistake{"limit_bound", "macs: 30e6", "macs: -1", "e.yaml:10:17: "},
        Mistake{"strategy", "strategy: nsga2", "strategy: nsga3", "did you mean 'nsga2'?"},
        Mistake{"strategy_option", "population: 20", "populaton: 20", "did you mean 'population'?"},
        Mistake{"strategy_option_value", "population: 20", "population: -20", "e.yaml:11:52: "},
        Mistake{"trials", "trials: 48", "trials: 0", "e.yaml:11:36: search.trials: "},
        Mistake{"evaluator", "name: train, epochs", "name: trian, epochs", "did you mean 'train'?"},
        Mistake{"evaluator_option", "subset: 12000", "subsets: 12000", "did you mean 'subset'?"},
        Mistake{"evaluator_value", "epochs: 3,", "epochs: many,", "e.yaml:12:35: "},
        Mistake{"finalist_option", "count: 2,", "counts: 2,", "did you mean 'count'?"},
        Mistake{"export", "[ onnx ]", "[ onx ]", "did you mean 'onnx'?"},
        Mistake{"export_twice", "[ onnx ]", "[ onnx, onnx ]", "is exported already"},
        Mistake{"export_without_finalist", "count: 2", "count: 0", "only a trained finalist"},
        Mistake{"no_data_to_train", "{ name: csv_series, train: a.csv, test: b.csv }",
                "{ name: none, input: [ 1, 1, 9 ], classes: 2 }", "so it needs data"},
        Mistake{"workers", "workers: 2", "workers: 0", "e.yaml:15:23: "}),
    [](const auto& mistake) { return mistake.param.name; });

TEST(Experiment, TellsOneFaultASectionTheFirstOneFirst) {
  std::string text = with("family: conv1d", "family: conv2d");
  for (const auto& [from, to] : {std::pair{"macs: 30e6", "mcas: 30e6"},
                                 {"maximize val_top1", "maximise val_top1"},
                                 {"count: 2", "count: -2"},
                                 {"workers: 2", "workers: none"}}) {
    text.replace(text.find(from), std::strlen(from), to);
  }
  const auto faults =
      Experiment::faults(Config::parse(text, "e.yaml"), HWNAS_SOURCE_DIR "/configs/experiments");
  EXPECT_THAT(faults, testing::ElementsAre(HasSubstr("space.family"), HasSubstr("objectives[0]"),
                                           HasSubstr("'mcas'"), HasSubstr("finalists.count"),
                                           HasSubstr("execution.workers")));
  try {
    parse(text);
    FAIL();
  } catch (const Error& first) {
    EXPECT_EQ(faults.front(), first.what());
  }
  EXPECT_THAT(Experiment::faults(Config::parse(kExperiment, "e.yaml"),
                                 HWNAS_SOURCE_DIR "/configs/experiments"),
              testing::IsEmpty());
}

TEST(Experiment, KnowsMetricsThatOnlyATableGives) {
  EXPECT_NO_THROW(parse(
      with("evaluator: { name: train, epochs: 3, subset: 12000 }",
           "evaluator: { name: table, tables: [ { file: t.csv, key: k, metrics: { val_top1: a, "
           "board_ms: b } } ] }")));
}

std::vector<fs::path> shipped_experiments() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(HWNAS_SOURCE_DIR "/configs/experiments")) {
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

class ShippedExperiments : public testing::TestWithParam<fs::path> {};

TEST_P(ShippedExperiments, AreValid) {
  const Experiment experiment = Experiment::load(GetParam());
  EXPECT_EQ(experiment.name, GetParam().stem());
}

INSTANTIATE_TEST_SUITE_P(Configs, ShippedExperiments, testing::ValuesIn(shipped_experiments()),
                         [](const auto& file) { return file.param.stem().string(); });

TEST(ExperimentSchema, IsWhatTheDocumentationShows) {
  std::ifstream file(HWNAS_SOURCE_DIR "/docs/experiment.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(page, HasSubstr("```text\n" + experiment_schema() + "```"));
}

}  // namespace
}  // namespace hwnas::engine
