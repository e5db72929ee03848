#include "exporters/tflm_arena.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <map>
#include <sstream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflite.hpp"
#include "tests/exporters/temporary_folder.hpp"
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
      {"cortex_m4_cmsis_nn", TflmBuild::kCortexM4CmsisNn}};
  int compared = 0;
  for (const Measured& row : measured(table)) {
    const auto build = builds.find(row.build);
    if (build == builds.end() || !std::filesystem::exists(model_file(row.model))) continue;
    TflmArena arena;
    try {
      arena = tflm_arena(model_file(row.model), build->second);
    } catch (const Error&) {
      continue;  // other operators
    }
    ++compared;
    EXPECT_EQ(arena.head, row.head) << row.model << " " << row.build;
    EXPECT_EQ(arena.tail, row.tail) << row.model << " " << row.build;
    EXPECT_EQ(arena.smallest, row.smallest) << row.model << " " << row.build;
  }
  EXPECT_GE(compared, 200);
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

}  // namespace
}  // namespace hwnas::exporters
