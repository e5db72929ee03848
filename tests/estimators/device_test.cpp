#include "estimators/device.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/error.hpp"
#include "device_files.hpp"
#include "tests/core/temporary_folder.hpp"

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

TEST(Device, TellsAllFaultsOfAProfileTheFirstOneFirst) {
  std::string yaml = replaced(kMinimal, "clock_hz: { value: 1e6,", "clock_hz: { value: fast,");
  yaml =
      replaced(yaml, "linear: { value: 2e6, source: other }", "linera: { value: 2e6, source: s }");
  yaml = replaced(yaml, "in_place_elementwise: true", "in_place_elementwise: 7");
  yaml = replaced(yaml, "summary:", "sumary:");
  const std::vector<std::string> faults = faults_of_device(Config::parse(yaml, "board.yaml"));
  EXPECT_THAT(faults,
              ::testing::ElementsAre(HasSubstr("did you mean 'summary'?"),
                                     HasSubstr("'summary' is missing"), HasSubstr("clock_hz.value"),
                                     HasSubstr("'linera'"), HasSubstr("in_place_elementwise")));
  EXPECT_EQ(faults.front(), refusal(yaml));
  EXPECT_THAT(faults_of_device(Config::parse(kMinimal, "board.yaml")), ::testing::IsEmpty());
  EXPECT_THAT(faults_of_device(Config::parse("[ 1 ]", "board.yaml")), ::testing::SizeIs(1));
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

const std::string kKernels = R"(    kernels:
      - { class: conv, weight_bits: 4, activation_bits: 8, macs_per_second: 3e6, source: s }
      - { class: linear, weight_bits: 4, activation_bits: 8, source: s }
)";

TEST(Device, HasTheKernelsItWasMeasuredWithAndThoseOfItsRows) {
  const DeviceProfile board = parse(kMinimal + kKernels);
  const RuntimeProfile& engine = board.runtime("engine");
  const ir::Precision int8{8, 8};
  const ir::Precision int4{4, 8};
  EXPECT_TRUE(engine.has_kernel("depthwise", int8));
  EXPECT_FALSE(engine.has_kernel("depthwise", int4));
  EXPECT_FALSE(engine.has_kernel("conv", {4, 4}));
  EXPECT_FALSE(engine.has_kernel("conv", {32, 32}));
  EXPECT_TRUE(engine.has_kernel("conv", int4));
  EXPECT_TRUE(engine.has_kernel("pointwise", int4)) << "a pointwise convolution is a convolution";
  EXPECT_EQ(engine.mac_rate("conv", int4), 3e6);
  EXPECT_EQ(engine.mac_rate("pointwise", int4), 3e6);
  EXPECT_EQ(engine.mac_rate("conv", int8), 1e6);
  EXPECT_TRUE(engine.has_kernel("linear", int4));
  EXPECT_EQ(engine.mac_rate("linear", int4), 2e6) << "unpacked: as fast as measured";
  EXPECT_EQ(engine.kernels[1].source, "the data sheet");
}

TEST(Device, RatesMayHoldForFloat) {
  const DeviceProfile board = parse(kMinimal + "    measured_with: float\n");
  EXPECT_TRUE(board.runtime("engine").has_kernel("conv", {32, 32}));
  EXPECT_FALSE(board.runtime("engine").has_kernel("conv", {8, 8}));
  EXPECT_THAT(refusal(kMinimal + "    measured_with: int9\n"), HasSubstr("int9"));
}

TEST(Device, SaysHowItsIntegerKernelsRound) {
  EXPECT_EQ(parse(kMinimal).runtime("engine").arithmetic, ir::Arithmetic{});
  const ir::Arithmetic arithmetic =
      parse(kMinimal + "    requantization: float_rne\n    u8s8_saturates: true\n")
          .runtime("engine")
          .arithmetic;
  EXPECT_EQ(arithmetic.requantization, ir::Requantization::kFloatRne);
  EXPECT_TRUE(arithmetic.u8s8_saturates);
  EXPECT_THAT(refusal(kMinimal + "    requantization: tfl\n"), HasSubstr("tfl_double"));
}

TEST(Device, RefusesKernelsItDoesNotKnowOrHasAlready) {
  const std::string row = "{ class: linear, weight_bits: 4, activation_bits: 8, source: s }";
  const std::string yaml = kMinimal + kKernels;
  EXPECT_THAT(refusal(replaced(yaml, "class: linear", "class: relu")), HasSubstr("relu"));
  EXPECT_THAT(refusal(replaced(yaml, "weight_bits: 4", "weight_bits: 64")), HasSubstr("64"));
  EXPECT_THAT(
      refusal(replaced(yaml, ", source: s }\n      - { class: l", " }\n      - { class: l")),
      HasSubstr("source"));
  EXPECT_THAT(refusal(yaml + "      - " + row + "\n"), HasSubstr("is there already"));
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

TEST(Device, SaysWhatItsRuntimeDoesToTheGraph) {
  EXPECT_EQ(parse(kMinimal).runtime("engine").fusion, FusionRules{});
  const std::string fusion = "    fusion: { rules: [conv+batch_norm, constants], source: s }\n";
  const RuntimeProfile engine = parse(kMinimal + fusion).runtime("engine");
  EXPECT_EQ(engine.fusion, FusionRules({FusionRule::kConvBatchNorm, FusionRule::kConstants}));
  EXPECT_EQ(engine.fusion_source, "the data sheet");
  EXPECT_THAT(refusal(kMinimal + replaced(fusion, "constants", "constant")),
              HasSubstr("constants"));
  EXPECT_THAT(refusal(kMinimal + replaced(fusion, "constants", "conv+batch_norm")),
              HasSubstr("there already"));
  EXPECT_THAT(refusal(kMinimal + replaced(fusion, ", source: s", "")), HasSubstr("source"));
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
  const TemporaryFolder folder;
  EXPECT_THROW(load_device(folder.write("another_name.yaml", kMinimal)), Error);
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

TEST(Device, SaysWhatARuntimeStoresBesideTheWeights) {
  EXPECT_EQ(parse(kMinimal).runtimes[0].constants.per_output_channel, 8);
  EXPECT_EQ(parse(kMinimal).runtimes[0].constants.per_table, 0);
  const std::string constants =
      "    constants: { per_output_channel: 9, per_table: 256, per_softmax: 1024, source: s }\n";
  const ConstantSizes sizes = parse(kMinimal + constants).runtimes[0].constants;
  EXPECT_EQ(sizes.per_output_channel, 9);
  EXPECT_EQ(sizes.per_table, 256);
  EXPECT_EQ(sizes.per_softmax, 1024);
  EXPECT_EQ(sizes.source, "the data sheet");
  EXPECT_THAT(refusal(kMinimal + replaced(constants, "per_table: 256, ", "")),
              HasSubstr("per_table"));
}

}  // namespace
}  // namespace hwnas::estimators
