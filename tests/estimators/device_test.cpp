#include "estimators/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/error.hpp"
#include "device_files.hpp"

namespace hwnas::estimators {
namespace {

using ::testing::HasSubstr;

const std::string kMinimal = R"(name: board
summary: a board
clock_hz: { value: 1e6, source: s }
memory_bytes_per_second: { value: 1e6, source: s }
active_power_mw: { value: 10, source: s }
power_relative_sd: { value: 0.1, source: s }
sources: { s: the data sheet }
runtimes:
  - name: engine
    macs_per_second: { default: { value: 1e6, source: s }, linear: { value: 2e6, source: other } }
    elements_per_second: { value: 1e6, source: s }
    layer_overhead_us: { value: 0, source: s }
    runtime_ram_bytes: { value: 0, source: s }
    runtime_flash_bytes: { value: 0, source: s }
    latency_relative_sd: { value: 0.1, source: s }
    in_place_elementwise: true
)";

DeviceProfile parse(const std::string& yaml) {
  return device_from_config(Config::parse(yaml, "board.yaml"));
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// The message with which `yaml` is refused.
std::string refusal(const std::string& yaml) {
  try {
    parse(yaml);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  ADD_FAILURE() << "accepted:\n" << yaml;
  return "";
}

TEST(Device, ReadsEveryNumberWithItsSource) {
  const DeviceProfile board = parse(kMinimal);
  EXPECT_EQ(board.name, "board");
  EXPECT_FALSE(board.sram_bytes.has_value());
  EXPECT_EQ(board.clock_hz.value, 1e6);
  EXPECT_EQ(board.clock_hz.source, "the data sheet");
  const RuntimeProfile& engine = board.runtime("engine");
  EXPECT_EQ(engine.macs_per_second.at("linear").source, "other");
  EXPECT_FALSE(engine.outputs_per_second.has_value());
  EXPECT_TRUE(engine.in_place_elementwise);
}

TEST(Device, KernelClassesWithoutARateHaveTheDefault) {
  const DeviceProfile board = parse(kMinimal);
  EXPECT_EQ(board.runtime("engine").mac_rate("depthwise"), 1e6);
  EXPECT_EQ(board.runtime("engine").mac_rate("linear"), 2e6);
  EXPECT_THROW(RuntimeProfile{}.mac_rate("conv"), Error);
}

TEST(Device, RefusesANumberWithoutSource) {
  const std::string clock = "clock_hz: { value: 1e6, source: s }";
  EXPECT_THAT(refusal(replaced(kMinimal, clock, "clock_hz: { value: 1e6 }")), HasSubstr("source"));
  EXPECT_THAT(refusal(replaced(kMinimal, clock, "clock_hz: 1e6")), HasSubstr("board.yaml:3"));
  EXPECT_THAT(refusal(replaced(kMinimal, clock, "clock_hz: { value: 1e6, source: '' }")),
              HasSubstr("where the number is from"));
}

TEST(Device, RefusesWhatItDoesNotKnowOrNeed) {
  EXPECT_THAT(refusal(replaced(kMinimal, "summary", "sumary")), HasSubstr("sumary"));
  EXPECT_THAT(refusal(replaced(kMinimal, "default:", "dephtwise:")), HasSubstr("depthwise"));
  EXPECT_THAT(refusal(replaced(kMinimal, "default:", "conv:")), HasSubstr("'depthwise'"));
  EXPECT_THAT(refusal(replaced(kMinimal, "value: 10,", "value: -10,")), HasSubstr("-10"));
  EXPECT_THAT(refusal(replaced(kMinimal, "s: the data sheet", "s: the data sheet, t: unused")),
              HasSubstr("no number cites"));
  EXPECT_THAT(refusal(kMinimal + kMinimal.substr(kMinimal.find("  - name"))),
              HasSubstr("'engine' is there already"));
}

TEST(Device, AnUnknownRuntimeIsRefusedWithTheKnownOnes) {
  try {
    parse(kMinimal).runtime("engin");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("engine"));
  }
}

TEST(Device, AFileMustBeNamedLikeItsDevice) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / "another_name.yaml";
  std::ofstream(file) << kMinimal;
  EXPECT_THROW(load_device(file), Error);
  std::filesystem::remove(file);
}

class DeviceFile : public ::testing::TestWithParam<std::string> {};

TEST_P(DeviceFile, LoadsAndStartsWithAComment) {
  const DeviceProfile device = testing::device(GetParam());
  EXPECT_EQ(device.name, GetParam());
  EXPECT_FALSE(device.runtimes.empty());
  std::ifstream file(testing::device_folder() / (GetParam() + ".yaml"));
  EXPECT_EQ(file.get(), '#');
}

INSTANTIATE_TEST_SUITE_P(All, DeviceFile, ::testing::ValuesIn(testing::device_names()),
                         [](const auto& device) { return device.param; });

}  // namespace
}  // namespace hwnas::estimators
