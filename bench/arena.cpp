// TensorFlow Lite Micro's arena against the measurements of the tflm_arena data set: head, tail and
// smallest arena of every row whose file is there. Rows that differ are printed by name. With
// files, what each takes.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflm_arena.hpp"

namespace {

using namespace hwnas;

struct Row {
  std::string model;
  std::string build;
  exporters::TflmArena measured;
};

/// Rows "model,build,min_arena_B,used_B,head_B,tail_B,…".
std::vector<Row> read_rows(const std::filesystem::path& table) {
  std::istringstream lines(read_unpacked_file(table, 1 << 20));
  std::vector<Row> rows;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::vector<std::string> cell(6);
    for (std::string& text : cell) std::getline(cells, text, ',');
    rows.push_back(
        {cell[0], cell[1], {std::stoll(cell[4]), std::stoll(cell[5]), std::stoll(cell[2])}});
  }
  return rows;
}

std::filesystem::path model_file(const std::filesystem::path& data, const std::string& model) {
  const auto file = data / "tflm_arena" / "models" / (model + ".tflite");
  return std::filesystem::exists(file) ? file : data / "mlperf_tiny_models" / (model + ".tflite");
}

bool is_equal(const exporters::TflmArena& a, const exporters::TflmArena& b) {
  return a.head == b.head && a.tail == b.tail && a.smallest == b.smallest;
}

const std::map<std::string, exporters::TflmBuild>& builds() {
  static const std::map<std::string, exporters::TflmBuild> all = {
      {"x86_64_reference", exporters::TflmBuild::kHostReference},
      {"cortex_m_reference", exporters::TflmBuild::kCortexMReference},
      {"cortex_m3_cmsis_nn", exporters::TflmBuild::kCortexM3CmsisNn},
      {"cortex_m4_cmsis_nn", exporters::TflmBuild::kCortexM4CmsisNn},
      {"cortex_m55_cmsis_nn", exporters::TflmBuild::kCortexM55CmsisNn}};
  return all;
}

void print_arenas(const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    for (const auto& [name, build] : builds()) {
      const exporters::TflmArena arena = exporters::tflm_arena(file, build);
      fmt::print("{} {} {} {} {}\n", file, name, arena.head, arena.tail, arena.smallest);
    }
  }
}

/// Prints what differs; returns the number of rows.
int print_errors(const std::filesystem::path& data) {
  int rows = 0, different = 0;
  for (const Row& row : read_rows(data / "tflm_arena" / "arena_bytes.csv.gz")) {
    const auto file = model_file(data, row.model);
    if (!std::filesystem::exists(file)) {
      fmt::print("{} {}: its file is not in the data set\n", row.model, row.build);
      continue;
    }
    ++rows;
    const exporters::TflmArena arena = exporters::tflm_arena(file, builds().at(row.build));
    if (is_equal(arena, row.measured)) continue;
    ++different;
    fmt::print("{} {}: head {} for {}, tail {} for {}, smallest {} for {}\n", row.model, row.build,
               arena.head, row.measured.head, arena.tail, row.measured.tail, arena.smallest,
               row.measured.smallest);
  }
  fmt::print("{} of {} rows differ\n", different, rows);
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  const char* const folder = std::getenv("HWNAS_DATA");
  std::string data = folder != nullptr ? folder : HWNAS_SOURCE_DIR "/../shared/data";
  std::string figure = "errors";
  CLI::App app("TensorFlow Lite Micro's arena, computed and measured");
  app.add_option("--figure", figure, "errors: rows that differ")->check(CLI::IsMember({"errors"}));
  app.add_option("--data", data, "the folder with tflm_arena and mlperf_tiny_models");
  std::vector<std::string> files;
  app.add_option("file", files,
                 ".tflite files: print build, head, tail and smallest arena of each");
  CLI11_PARSE(app, argc, argv);
  try {
    print_arenas(files);
    if (!files.empty()) return 0;
    return print_errors(data) > 0 ? 0 : 1;
  } catch (const Error& error) {
    fmt::print(stderr, "arena: {}\n", error.what());
    return 1;
  }
}
