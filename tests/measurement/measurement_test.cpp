#include "measurement/measurement.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "measurement/environment.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/measurement/artifacts.hpp"

namespace hwnas::measurement {
namespace {

using testing::HasSubstr;

Measurement full_measurement() {
  return {.network = "net",
          .network_hash = "0123456789abcdef",
          .artifact_sha256 = std::string(64, 'a'),
          .runner = "host",
          .status = Status::kOk,
          .reason = {},
          .origin = estimators::Origin::kMeasured,
          .warm_up_runs = 12,
          .inferences_a_run = 4,
          .latency = estimators::summarize({1.25, 1.5, 1.1, 9, 1.3, 1.2, 1.4}),
          .instructions = 12345,
          .estimated_latency_ms = 0.1,
          .flash_bytes = 1000,
          .ram_bytes = 200,
          .stack_bytes = 96,
          .reference_drift = -0.015,
          .environment = {.cpu = "a processor",
                          .governor = "performance",
                          .pinned_cpu = 3,
                          .binary_sha256 = std::string(64, 'b'),
                          .tool = "cc -O2",
                          .temperature_c = 51.5,
                          .throttled = false}};
}

TEST(Measurement, ReadsBackFromJsonAsItWas) {
  const nlohmann::json json = to_json(full_measurement());
  const Measurement read = measurement_from_json(nlohmann::json::parse(json.dump()));
  EXPECT_EQ(to_json(read), json);
  EXPECT_EQ(read.latency.runs_ms, full_measurement().latency.runs_ms);
  EXPECT_EQ(read.latency.outliers, 1);
  EXPECT_EQ(read.environment.throttled, false);
}

TEST(Measurement, LeavesOutWhatIsNotKnown) {
  Measurement refused;
  refused.network = "net";
  refused.status = Status::kRefused;
  refused.reason = "too large";
  const nlohmann::json json = to_json(refused);
  EXPECT_FALSE(json.contains("instructions"));
  EXPECT_FALSE(json.contains("runs_ms"));
  EXPECT_EQ(json["environment"], nlohmann::json::object());
  EXPECT_EQ(to_json(measurement_from_json(json)), json);
}

TEST(Measurement, DerivesWhatIsSaidOfRunsFromTheRuns) {
  nlohmann::json json = to_json(full_measurement());
  json["median_ms"] = 1000;
  EXPECT_DOUBLE_EQ(measurement_from_json(json).latency.median_ms, 1.3);
}

TEST(Measurement, NamesTheFieldThatIsNoMeasurements) {
  const auto refusal = [](const char* field, const nlohmann::json& value) -> std::string {
    nlohmann::json json = to_json(full_measurement());
    json[nlohmann::json::json_pointer(field)] = value;
    try {
      measurement_from_json(json);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refusal("/status", "fine"), HasSubstr("'status' is unknown: fine"));
  EXPECT_THAT(refusal("/origin", "predicted"), HasSubstr("'origin'"));
  EXPECT_THAT(refusal("/runs_ms", {1.0, -2.0}), HasSubstr("'runs_ms'"));
  EXPECT_THAT(refusal("/runs_ms", {1.0, nullptr}), HasSubstr("'runs_ms'"));
  EXPECT_THAT(refusal("/runs_ms", "1"), HasSubstr("'runs_ms'"));
  EXPECT_THAT(refusal("/network", 7), HasSubstr("'network'"));
  EXPECT_THAT(refusal("/instructions", -1), HasSubstr("'instructions'"));
  EXPECT_THAT(refusal("/warm_up_runs", 1.5), HasSubstr("'warm_up_runs'"));
  EXPECT_THAT(refusal("/environment/throttled", "no"), HasSubstr("'throttled'"));
  EXPECT_THAT(refusal("/environment", 3), HasSubstr("no JSON object"));
}

TEST(Measurement, IsNotOkWithoutNumbers) {
  nlohmann::json json = to_json(full_measurement());
  json.erase("runs_ms");
  json.erase("instructions");
  EXPECT_THROW(measurement_from_json(json), Error);
  EXPECT_THROW(measurement_from_json(nlohmann::json::array()), Error);
}

TEST(Artifact, TakesTheHeaderOfACExportWithIt) {
  const TemporaryFolder folder;
  const Artifact artifact = c_artifact(folder.path(), "keyword");
  EXPECT_EQ(artifact.name, "keyword");
  ASSERT_EQ(artifact.files.size(), 2);
  EXPECT_EQ(artifact.files[1].filename(), "keyword.h");
  const std::string before = sha256_of(artifact);
  std::ofstream(artifact.files[1], std::ios::app) << " ";
  EXPECT_NE(sha256_of(artifact), before);
}

TEST(Artifact, RefusesNamesThatMeanSomethingElsewhere) {
  const TemporaryFolder folder;
  for (const std::string name : {"-rf.onnx", "a b.onnx", "$(id).onnx", "a;b.onnx", ".x.onnx"}) {
    write_file_atomically(folder.path() / name, "x");
    EXPECT_THROW(artifact_of(folder.path() / name), Error) << name;
  }
  EXPECT_THROW(artifact_of(folder.path() / "missing.onnx"), Error);
  write_file_atomically(folder.path() / "alone.c", "x");
  EXPECT_THROW(artifact_of(folder.path() / "alone.c"), Error);
}

TEST(HostState, ReadsWhatLinuxSays) {
  const TemporaryFolder root;
  const auto write = [&](const std::string& file, const std::string& text) {
    std::filesystem::create_directories((root.path() / file).parent_path());
    write_file_atomically(root.path() / file, text);
  };
  const std::string counter = "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count";
  write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some Core\n");
  write("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n");
  write("sys/class/thermal/thermal_zone0/temp", "41000\n");
  write("sys/class/thermal/thermal_zone1/temp", "55500\n");
  write(counter, "7\n");
  const HostState state(root.path());
  Environment read = state.read(1);
  EXPECT_EQ(read.cpu, "Some Core");
  EXPECT_EQ(read.governor, "powersave");
  EXPECT_EQ(read.pinned_cpu, 1);
  EXPECT_EQ(read.temperature_c, 55.5);
  EXPECT_EQ(read.throttled, false);
  write(counter, "9\n");
  EXPECT_EQ(state.read(1).throttled, true);
}

TEST(HostState, KnowsTheThrottleBitsOfARaspberryPi) {
  const TemporaryFolder root;
  const auto folder = root.path() / "sys/devices/platform/soc/soc:firmware";
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "get_throttled", "50000\n");  // it happened since it was started
  EXPECT_EQ(HostState(root.path()).read({}).throttled, false);
  write_file_atomically(folder / "get_throttled", "50005\n");
  EXPECT_EQ(HostState(root.path()).read({}).throttled, true);
}

TEST(HostState, SaysNothingWhereNothingCanBeRead) {
  const TemporaryFolder root;
  const Environment read = HostState(root.path()).read({});
  EXPECT_EQ(read.cpu, "");
  EXPECT_EQ(read.temperature_c, std::nullopt);
  EXPECT_EQ(read.throttled, std::nullopt);
}

}  // namespace
}  // namespace hwnas::measurement
