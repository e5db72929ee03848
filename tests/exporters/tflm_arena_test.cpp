#include "exporters/tflm_arena.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflite.hpp"
#include "tests/exporters/mutated.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/tflite_networks.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

std::filesystem::path data_folder() {
  const char* const folder = std::getenv("HWNAS_DATA");
  return folder != nullptr ? std::filesystem::path(folder)
                           : std::filesystem::path(HWNAS_SOURCE_DIR) / "../shared/data";
}

struct Measured {
  std::string model;
  std::string build;
  std::int64_t smallest;
  std::int64_t head;
  std::int64_t tail;
};

/// Rows "model,build,min_arena_B,used_B,head_B,tail_B,…".
std::vector<Measured> measured(const std::filesystem::path& table) {
  std::istringstream lines(read_unpacked_file(table, 1 << 20));
  std::vector<Measured> rows;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::vector<std::string> cell(6);
    for (std::string& text : cell) std::getline(cells, text, ',');
    rows.push_back(
        {cell[0], cell[1], std::stoll(cell[2]), std::stoll(cell[4]), std::stoll(cell[5])});
  }
  return rows;
}

std::filesystem::path model_file(const std::string& name) {
  const auto file = data_folder() / "tflm_arena" / "models" / (name + ".tflite");
  return std::filesystem::exists(file) ? file
                                       : data_folder() / "mlperf_tiny_models" / (name + ".tflite");
}

TEST(TflmArena, IsWhatTensorFlowLiteMicroAllocates) {
  const auto table = data_folder() / "tflm_arena" / "arena_bytes.csv.gz";
  if (!std::filesystem::exists(table)) GTEST_SKIP() << "no " << table << ": set HWNAS_DATA";
  const std::map<std::string, TflmBuild> builds = {
      {"x86_64_reference", TflmBuild::kHostReference},
      {"cortex_m_reference", TflmBuild::kCortexMReference},
      {"cortex_m3_cmsis_nn", TflmBuild::kCortexM3CmsisNn},
      {"cortex_m4_cmsis_nn", TflmBuild::kCortexM4CmsisNn},
      {"cortex_m55_cmsis_nn", TflmBuild::kCortexM55CmsisNn}};
  int compared = 0;
  for (const Measured& row : measured(table)) {
    if (!std::filesystem::exists(model_file(row.model))) continue;
    const TflmArena arena = tflm_arena(model_file(row.model), builds.at(row.build));
    ++compared;
    EXPECT_EQ(arena.head, row.head) << row.model << " " << row.build;
    EXPECT_EQ(arena.tail, row.tail) << row.model << " " << row.build;
    EXPECT_EQ(arena.smallest, row.smallest) << row.model << " " << row.build;
  }
  EXPECT_GE(compared, 700);
}

TEST(TflmArena, CountsTheTensorsThatLiveAtOnce) {
  ir::zoo::Builder net({16, 8, 8});
  const int left = net.add(ir::zoo::conv(16, ir::zoo::square(3), 1, true), {ir::kNetworkInput});
  const int right = net.add(ir::zoo::conv(16, ir::zoo::square(3), 1, true), {left});
  net.add(ir::Add{}, {left, right});
  const TemporaryFolder folder;
  const auto file = folder.path() / "model.tflite";
  write_tflite(quantized_zoo_model({"residual", net.take()}), file);
  // Input and left; left and right; left, right and their sum.
  EXPECT_EQ(tflm_arena(file, TflmBuild::kCortexMReference).head, 3 * 16 * 8 * 8);
  // CMSIS-NN's rows of the convolution while two maps live: they fit where the sum will be.
  EXPECT_EQ(tflm_arena(file, TflmBuild::kCortexM4CmsisNn).head, 3 * 16 * 8 * 8);
}

TEST(TflmArena, UnpacksFourBitWeightsInScratch) {
  ir::zoo::Builder net({16, 8, 8});
  net.add(ir::zoo::conv(16, ir::zoo::square(3), 1, true), {ir::kNetworkInput});
  const ir::Network network = net.take();
  const TemporaryFolder folder;
  const auto file = folder.path() / "model.tflite";
  write_tflite(quantized_zoo_model({"conv", network}, {.default_format = ir::WeightFormat::kInt4}),
               file);
  const std::int64_t maps = 2 * 16 * 8 * 8;
  // Reference kernels all of them, CMSIS-NN two columns of the input in 16 bits.
  EXPECT_EQ(tflm_arena(file, TflmBuild::kCortexMReference).head, maps + 16 * 3 * 3 * 16);
  EXPECT_EQ(tflm_arena(file, TflmBuild::kCortexM4CmsisNn).head, maps + 2 * 2 * 3 * 3 * 16);
}

TEST(TflmArena, GivesAnErrorOrAnArenaForMutatedFiles) {
  const char* const asked = std::getenv("HWNAS_MUTATIONS");
  const int trials = asked != nullptr ? std::atoi(asked) : 300;
  const TemporaryFolder folder;
  const auto file = folder.path() / "model.tflite";
  write_tflite(quantized_zoo_model({"gate", flat_gate()}), file);
  const std::string bytes = read_file(file, 1 << 20);
  Rng rng(47);
  int refused = 0;
  for (int trial = 0; trial < trials; ++trial) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << mutated(bytes, rng);
    try {
      const TflmArena arena = tflm_arena(file, static_cast<TflmBuild>(trial % 5));
      EXPECT_GE(arena.smallest, arena.head + arena.tail);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, trials / 5);
}

}  // namespace
}  // namespace hwnas::exporters
