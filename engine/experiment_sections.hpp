#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "estimators/device.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::engine {

// What experiments and plans of measurements have in common. All throw InvalidArgument or NotFound
// with file:line:column; relative file names are relative to `folder`.

template <typename Row>
std::vector<std::string> names_of(std::span<const Row> registry) {
  std::vector<std::string> names;
  for (const Row& row : registry) names.emplace_back(row.name);
  return names;
}

/// `name` if it is one of `names`; otherwise an error at `at` that lists them and the nearest.
std::string known_name(const Config& at, const std::string& what, const std::string& name,
                       const std::vector<std::string>& names);

/// 1 to 63 of a-z 0-9 . _ -, not starting with a sign.
std::string read_name(const Config& config);

/// `space: { file: …, family: … }`, or all of a space's own keys; those keys.
Config read_space(const Config& config, const std::filesystem::path& folder);

/// `input: [3, 32, 32]` and `classes: 10`, of a map that has both.
spaces::Task read_task(const Config& config);

/// A device and one of its runtimes.
struct DeviceSection {
  Config profile;  ///< the content of the device's file
  estimators::DeviceProfile device;
  std::string runtime;
  std::string latency_model;  ///< text of the runtime's learned model; empty: it has none
};

/// `device: { name: … | file: … | profile: { … }, runtime: … }`. `latency_model`: the text of the
/// runtime's learned model, if it is known; otherwise it is read from beside the device's file.
DeviceSection read_device(const Config& config, const std::filesystem::path& folder,
                          const std::string& latency_model = {});

}  // namespace hwnas::engine
