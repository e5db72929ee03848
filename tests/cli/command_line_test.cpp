#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string kExperiment = HWNAS_SOURCE_DIR "/configs/experiments/fashion_mnist_mcu.yaml";
const std::string kSpace = HWNAS_SOURCE_DIR "/configs/spaces/mobile_mcu.yaml";

struct Case {
  std::string name;
  std::vector<std::string> arguments;
  int exit_code;
  std::string message;  ///< a part of standard error; of standard output where exit_code is 0
};

void PrintTo(const Case& row, std::ostream* stream) {
  *stream << row.name;
}

class CommandLine : public testing::TestWithParam<Case> {};

TEST_P(CommandLine, GivesTheDocumentedExitCodeAndMessage) {
  const Case& row = GetParam();
  const Finished finished = hwnas(row.arguments);
  EXPECT_EQ(finished.exit_code, row.exit_code) << finished.err;
  EXPECT_THAT(row.exit_code == 0 ? finished.out : finished.err, HasSubstr(row.message));
  if (row.exit_code == 0)
    EXPECT_THAT(finished.err, IsEmpty());
  else
    EXPECT_THAT(finished.out, IsEmpty());
}

std::vector<Case> cases() {
  const std::string misspelt = temporary_file("misspelt.yaml", "version: 1\nnaem: x\n");
  const std::string broken_json = temporary_file("broken.json", "{\"input\": [1,");
  const std::string network_json = temporary_file(
      "linear.json",
      R"({"input": [4, 1, 1], "layers": [{"name": "logits", "op": "linear", "inputs": [-1],)"
      R"( "out_features": 2}]})");
  return {
      {"help", {"--help"}, 0, "Exit codes:"},
      {"help_of_a_command", {"run", "--help"}, 0, "Examples:"},
      {"help_of_a_nested_command", {"space", "sample", "--help"}, 0, "Examples:"},
      {"version", {"--version"}, 0, "hwnas "},
      {"no_command", {}, 2, "hwnas: "},
      {"misspelt_command", {"vaildate", "x"}, 2, "unknown command 'vaildate', did you mean 'valid"},
      {"unknown_option", {"validate", "--fast"}, 2, "--fast"},
      {"missing_argument", {"run"}, 2, "EXPERIMENT is required\nRun `hwnas run --help`"},
      {"not_a_number", {"resume", "x", "--workers", "many"}, 2, "--workers"},
      {"out_of_range", {"resume", "x", "--workers", "0"}, 2, "--workers"},

      {"valid", {"validate", kExperiment}, 0, "fashion_mnist_mcu"},
      {"schema", {"validate", "--schema"}, 0, "objectives"},
      {"nothing_to_validate", {"validate"}, 2, "experiment file"},
      {"unknown_key", {"validate", misspelt}, 2, misspelt + ":2:1: unknown key 'naem'"},
      {"set_of_a_wrong_value",
       {"validate", kExperiment, "--set", "search.trials=many"},
       2,
       "--set"},
      {"set_without_a_value", {"validate", kExperiment, "--set", "seed"}, 2, "key=value"},
      {"no_such_experiment", {"validate", "none.yaml"}, 3, "none.yaml"},
      {"folder_as_experiment", {"validate", "/"}, 2, "/"},
      {"run_of_no_such_experiment", {"run", "none.yaml"}, 3, "none.yaml"},

      {"resume_of_no_run", {"resume", "no/such/run"}, 3, "no/such/run"},
      {"report_of_no_run", {"report", "no/such/run"}, 3, "no/such/run"},
      {"export_of_no_run", {"export", "no/such/run"}, 3, "no/such/run"},
      {"unknown_format", {"export", "run", "--format", "tar"}, 2, "--format"},

      {"unknown_kind", {"list", "cars"}, 2, "cars"},
      {"completion_of_an_unknown_shell", {"completion", "fish"}, 2, "fish"},
      {"space_without_a_task", {"space", "sample", kSpace}, 2, "--input"},
      {"malformed_shape",
       {"space", "sample", kSpace, "--input", "28x28", "--classes", "10"},
       2,
       "CHANNELSxHEIGHTxWIDTH"},
      {"malformed_genotype",
       {"space", "decode", kSpace, "one-two", "--input", "1x28x28", "--classes", "10"},
       2,
       "one-two"},
      {"predict_nothing", {"predict", "--device", "stm32f746"}, 2, "--network"},
      {"predict_on_an_unknown_device",
       {"predict", "--network", network_json, "--device", "stm32f747"},
       3,
       "did you mean 'stm32f746'"},
      {"predict_of_no_such_network",
       {"predict", "--network", "none.json", "--device", "stm32f746", "--runtime", "tflite_micro"},
       3,
       "none.json"},
      {"predict_of_broken_json",
       {"predict", "--network", broken_json, "--device", "stm32f746", "--runtime", "tflite_micro"},
       2,
       broken_json},
      {"predict_without_one_of_several_runtimes",
       {"predict", "--network", network_json, "--device", "stm32h743"},
       2,
       "give --runtime, one of: stm32cubeai, tflite_micro"},
      {"admin_check_of_no_data", {"admin", "check", "/no/such/folder"}, 3, "no data of hwnasd"},
      {"doctor_of_no_folder", {"doctor", "--folder", "/no/such/folder"}, 3, "/no/such/folder"},
  };
}

INSTANTIATE_TEST_SUITE_P(Cli, CommandLine, testing::ValuesIn(cases()),
                         [](const auto& row) { return row.param.name; });

/// Command lines whose --json output must parse.
class JsonOutput : public testing::TestWithParam<std::vector<std::string>> {};

TEST_P(JsonOutput, IsAllThatIsOnStandardOutput) {
  std::vector<std::string> arguments = GetParam();
  arguments.push_back("--json");
  const Finished finished = hwnas(arguments);
  EXPECT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_TRUE(nlohmann::json::accept(finished.out)) << finished.out;
  EXPECT_THAT(finished.err, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Cli, JsonOutput,
                         testing::ValuesIn(std::vector<std::vector<std::string>>{
                             {"validate", kExperiment},
                             {"validate", "--schema"},
                             {"list"},
                             {"list", "devices"},
                             {"completion", "bash"},
                             {"space", "describe", kSpace, "--input", "1x28x28", "--classes", "10"},
                             {"space", "sample", kSpace, "--input", "1x28x28", "--classes", "10"},
                         }));

TEST(List, ShowsEveryKindAndOneAlone) {
  const std::string all = hwnas({"list"}).out;
  for (const char* name : {"nsga2", "mobile", "stm32f746", "latency_ms", "onnx", "fashion_mnist"})
    EXPECT_THAT(all, HasSubstr(name));
  EXPECT_THAT(hwnas({"list", "strategies"}).out, AllOf(HasSubstr("nsga2"), Not(HasSubstr("onnx"))));
}

TEST(Space, SamplesTheSameGenotypesForTheSameSeed) {
  const std::vector<std::string> sample = {"space",     "sample", kSpace,   "--input", "1x28x28",
                                           "--classes", "10",     "--seed", "3"};
  EXPECT_EQ(hwnas(sample).out, hwnas(sample).out);
}

TEST(Space, OfAnExperimentFindsTheDataBesideIt) {
  const TemporaryFolder folder;
  const Finished described =
      hwnas({"space", "describe", engine::write_wave_experiment(folder).string()});
  EXPECT_EQ(described.exit_code, 0) << described.err;
  EXPECT_THAT(described.out, HasSubstr("genotypes, for input"));
}

TEST(Predict, ReadsWhatDecodeWrites) {
  const std::vector<std::string> task = {"--input", "1x28x28", "--classes", "10"};
  std::vector<std::string> sample = {"space", "sample", kSpace, "--count", "1", "--json"};
  sample.insert(sample.end(), task.begin(), task.end());
  const std::string genotype = nlohmann::json::parse(hwnas(sample).out)[0]["genotype"];

  std::vector<std::string> decode = {"space", "decode", kSpace, genotype, "--json"};
  decode.insert(decode.end(), task.begin(), task.end());
  const std::string network = temporary_file("network.json", hwnas(decode).out);

  const std::vector<std::string> device = {"--device", "stm32f746", "--runtime", "tflite_micro"};
  std::vector<std::string> of_network = {"predict", "--network", network, "--json"};
  of_network.insert(of_network.end(), device.begin(), device.end());
  std::vector<std::string> of_genotype = {"predict", kSpace, "--genotype", genotype, "--json"};
  of_genotype.insert(of_genotype.end(), device.begin(), device.end());
  of_genotype.insert(of_genotype.end(), task.begin(), task.end());

  const Finished predicted = hwnas(of_network);
  EXPECT_EQ(predicted.exit_code, 0) << predicted.err;
  EXPECT_EQ(predicted.out, hwnas(of_genotype).out);
  const auto answer = nlohmann::json::parse(predicted.out);
  for (const auto& cost : answer.at("costs")) {
    EXPECT_LE(cost["interval_95"][0], cost["value"]);
    EXPECT_GE(cost["interval_95"][1], cost["value"]);
  }
}

TEST(Output, ThatCannotBeWrittenIsAnError) {
  const Finished finished =
      Process({"/bin/sh", "-c", "exec " HWNAS_PROGRAM " list > /dev/full"}).wait();
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.err, StartsWith("hwnas: cannot write the result"));
}

}  // namespace
}  // namespace hwnas::cli
