#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "estimators/device.hpp"

namespace hwnas::estimators::testing {

inline std::filesystem::path device_folder() {
  return std::filesystem::path(HWNAS_SOURCE_DIR) / "configs" / "devices";
}

/// Names of all files in configs/devices, sorted.
inline std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(device_folder())) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline DeviceProfile device(const std::string& name) {
  return load_device(device_folder() / (name + ".yaml"));
}

}  // namespace hwnas::estimators::testing
