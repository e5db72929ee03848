#include "engine/config_files.hpp"

#include <fmt/ranges.h>

#include <cstdlib>
#include <set>

#include "core/config.hpp"
#include "core/error.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;

/// Of the program that runs: a package has them there, wherever it is unpacked.
fs::path installed_configs() {
  std::error_code unknown;
  const fs::path program = fs::read_symlink("/proc/self/exe", unknown);
  return (program.parent_path() / "../share/hwnas/configs").lexically_normal();
}

}  // namespace

std::vector<fs::path> config_folders(const fs::path& experiment_folder) {
  std::vector<fs::path> folders{(fs::absolute(experiment_folder) / "..").lexically_normal()};
  if (const char* configured = std::getenv("HWNAS_CONFIGS")) folders.emplace_back(configured);
  folders.push_back(installed_configs());
  folders.emplace_back(HWNAS_SOURCE_CONFIGS);
  std::erase_if(folders, [](const fs::path& folder) { return !fs::is_directory(folder); });
  return folders;
}

std::vector<std::string> device_names(const fs::path& experiment_folder) {
  std::set<std::string> names;
  for (const fs::path& folder : config_folders(experiment_folder)) {
    if (!fs::is_directory(folder / "devices")) continue;
    for (const auto& entry : fs::directory_iterator(folder / "devices")) {
      if (entry.path().extension() == ".yaml") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

fs::path device_file(const std::string& name, const fs::path& experiment_folder) {
  for (const fs::path& folder : config_folders(experiment_folder)) {
    const fs::path file = folder / "devices" / (name + ".yaml");
    if (fs::is_regular_file(file)) return file;
  }
  const std::vector<std::string> names = device_names(experiment_folder);
  throw error(ErrorCode::kNotFound, "no device '{}'{} (known: {})", name, did_you_mean(name, names),
              fmt::join(names, ", "));
}

}  // namespace hwnas::engine
