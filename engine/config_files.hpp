#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hwnas::engine {

/// Where configs/ is looked for, in this order: beside the experiment's folder (its parent), the
/// environment's HWNAS_CONFIGS, the installed files (../share/hwnas/configs from the program's
/// folder), the source tree. Only folders that exist.
std::vector<std::filesystem::path> config_folders(const std::filesystem::path& experiment_folder);

/// Names of all devices in these folders, sorted.
std::vector<std::string> device_names(const std::filesystem::path& experiment_folder);

/// devices/<name>.yaml of the first folder that has it. Throws NotFound listing the devices.
std::filesystem::path device_file(const std::string& name,
                                  const std::filesystem::path& experiment_folder);

}  // namespace hwnas::engine
