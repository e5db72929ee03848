#include <gmock/gmock.h>

#include "core/error.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/measurement/firmwares.hpp"

namespace hwnas::measurement {
namespace {

using testing::HasSubstr;

class QemuCortexM : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_emulate()) {
      GTEST_SKIP() << "needs Debian's gcc-arm-none-eabi, libnewlib-arm-none-eabi and "
                      "qemu-system-arm";
    }
  }
  static Measurement measure(const Artifact& artifact, const std::string& options = "") {
    return runner_of("{runner: qemu_cortex_m" + options + "}")->measure(artifact);
  }
  const TemporaryFolder folder_;
};

/// A loop of two instructions, `count` times.
std::string loop(std::uint64_t count) {
  return "int run_once(void);\nint run_once(void) {\n"
         "  __asm__ volatile(\"ldr r3, =" +
         std::to_string(count) +
         "\\n 1: subs r3, #1\\n bne 1b\" ::: \"r3\", \"cc\");\n  return 0;\n}\n";
}

TEST_F(QemuCortexM, CountsTheInstructionsOfACExport) {
  const Artifact artifact = c_artifact(folder_.path());
  const Measurement measured = measure(artifact);
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_EQ(measured.origin, estimators::Origin::kEmulated);
  EXPECT_EQ(measured.latency.runs, 0);
  EXPECT_EQ(measured.estimated_latency_ms, std::nullopt);
  const auto macs = static_cast<double>(ir::macs(ir::zoo::inverted_residual()));
  EXPECT_GT(measured.instructions.value_or(0), macs);
  EXPECT_LT(measured.instructions.value_or(0), 100 * macs);
  EXPECT_EQ(measured.environment.cpu, "cortex-m4 of mps2-an386");
}

TEST_F(QemuCortexM, CountsTheSameBinaryAlike) {
  const Artifact artifact = c_artifact(folder_.path());
  const Measurement first = measure(artifact);
  const Measurement second = measure(artifact);
  ASSERT_EQ(first.status, Status::kOk) << first.reason;
  EXPECT_EQ(first.instructions, second.instructions);
  EXPECT_EQ(first.stack_bytes, second.stack_bytes);
  EXPECT_EQ(first.environment.binary_sha256, second.environment.binary_sha256);
}

TEST_F(QemuCortexM, TakesRamAndFlashFromTheLinker) {
  const Artifact artifact = c_artifact(folder_.path());
  const exporters::CSource source =
      exporters::c_source(exporters::quantized_zoo_model({"net", ir::zoo::inverted_residual()}));
  const Measurement measured = measure(artifact);
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  const auto arena = static_cast<double>(source.arena_bytes);
  const auto constants = static_cast<double>(source.constant_bytes);
  EXPECT_GE(measured.ram_bytes.value_or(0), arena);
  EXPECT_LE(measured.ram_bytes.value_or(0), arena + 128);
  EXPECT_GE(measured.flash_bytes.value_or(0), constants);
  EXPECT_LE(measured.flash_bytes.value_or(0), constants + 16384);
  EXPECT_GT(measured.stack_bytes.value_or(0), 32);
  EXPECT_LT(measured.stack_bytes.value_or(0), 2048);
}

TEST_F(QemuCortexM, KeepsTheLimitsOfTheRealPart) {
  const Artifact artifact = c_artifact(folder_.path());
  const Measurement measured = measure(artifact);
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  const Measurement flash = measure(artifact, ", flash_bytes: 2048");
  EXPECT_EQ(flash.status, Status::kRefused);
  EXPECT_THAT(flash.reason, HasSubstr("region `FLASH' overflowed by"));
  const Measurement ram = measure(artifact, ", ram_bytes: 1536, stack_bytes: 1024");
  EXPECT_EQ(ram.status, Status::kRefused);
  EXPECT_THAT(ram.reason, HasSubstr("region `RAM' overflowed by"));
}

class QemuBoard : public QemuCortexM, public testing::WithParamInterface<Board> {};
INSTANTIATE_TEST_SUITE_P(All, QemuBoard, testing::ValuesIn(boards().begin(), boards().end()),
                         [](const auto& test) {
                           std::string name(test.param.cpu);
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(QemuBoard, CountsALoopExactlyPastTheTimersWraps) {
  // 40 million instructions are two wraps of the 24-bit timer's 21 million and a part.
  constexpr std::uint64_t kLoops = 20'000'000;
  const Measurement measured = measure(firmware(folder_.path(), loop(kLoops), GetParam()),
                                       ", board: " + std::string(GetParam().name));
  ASSERT_EQ(measured.status, Status::kOk) << measured.reason;
  EXPECT_NEAR(measured.instructions.value_or(0), 2.0 * kLoops, 100);
}

TEST_P(QemuBoard, RunsACExport) {
  const Measurement measured =
      measure(c_artifact(folder_.path()), ", board: " + std::string(GetParam().name));
  EXPECT_EQ(measured.status, Status::kOk) << measured.reason;
}

TEST_F(QemuCortexM, CountsAlikeWithEveryShift) {
  const Artifact artifact = firmware(folder_.path(), loop(100'000));
  for (const char* shift : {"3", "5", "8", "10"}) {
    const Measurement measured = measure(artifact, std::string(", shift: ") + shift);
    EXPECT_NEAR(measured.instructions.value_or(0), 200'000, 20) << shift;
  }
}

TEST_F(QemuCortexM, FindsTheDeepestPlaceOfTheStack) {
  const auto with_array = [&](int bytes) {
    const TemporaryFolder folder;
    const std::string size = std::to_string(bytes);
    return measure(firmware(folder.path(),
                            "int run_once(void);\nint run_once(void) {\n  volatile char large[" +
                                size + "];\n  for (int i = 0; i < " + size +
                                "; i++) large[i] = 1;\n  return large[0] - 1;\n}\n"))
        .stack_bytes.value_or(0);
  };
  EXPECT_EQ(with_array(640) - with_array(128), 512);
}

TEST_F(QemuCortexM, EstimatesLatencyOnlyWhereItIsToldTheCycles) {
  const Artifact artifact = firmware(folder_.path(), loop(500'000));
  const Measurement measured = measure(artifact, ", cycles_per_instruction: 1.5, clock_hz: 1e8");
  ASSERT_TRUE(measured.estimated_latency_ms.has_value()) << measured.reason;
  EXPECT_NEAR(*measured.estimated_latency_ms, 15, 0.01);
  EXPECT_EQ(measured.origin, estimators::Origin::kEmulated);
  EXPECT_THROW(runner_of("{runner: qemu_cortex_m, clock_hz: 1e8}"), Error);
}

TEST_F(QemuCortexM, SaysWhichFilesItTakes) {
  write_file_atomically(folder_.path() / "net.onnx", "x");
  EXPECT_EQ(measure(artifact_of(folder_.path() / "net.onnx")).status, Status::kRefused);
}

}  // namespace
}  // namespace hwnas::measurement
