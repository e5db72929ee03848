#include "engine/experiment_sections.hpp"

#include <algorithm>
#include <regex>

#include "core/error.hpp"
#include "core/file.hpp"
#include "engine/config_files.hpp"
#include "estimators/latency_model.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;

/// A file named in the experiment; fails at its place if there is none.
fs::path existing_file(const Config& config, const fs::path& folder) {
  const fs::path file = (folder / config.as_string()).lexically_normal();
  if (!fs::is_regular_file(file)) config.fail("no file " + file.string());
  return file;
}

/// The content of a device's file, and the folder that file names in it are relative to.
struct ProfileText {
  Config config;
  fs::path folder;
};

ProfileText read_profile(const Config& config, const fs::path& folder) {
  config.require_known_keys({"name", "file", "profile", "runtime"});
  if (int(config.has("name")) + int(config.has("file")) + int(config.has("profile")) != 1) {
    config.fail("give exactly one of 'name', 'file' and 'profile'");
  }
  if (const Config* profile = config.find("profile")) return {*profile, folder};
  fs::path file;
  if (const Config* named = config.find("file")) {
    file = existing_file(*named, folder);
  } else {
    const Config& name = config.at("name");
    file = device_file(known_name(name, "device", read_name(name), device_names(folder)), folder);
  }
  return {Config::load(file), file.parent_path()};
}

}  // namespace

std::string known_name(const Config& at, const std::string& what, const std::string& name,
                       const std::vector<std::string>& names) {
  if (std::ranges::find(names, name) != names.end()) return name;
  std::string list;
  for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
  at.fail("unknown " + what + " '" + name + "'" + did_you_mean(name, names) + " (known: " + list +
          ")");
}

std::string read_name(const Config& config) {
  static const std::regex kName("[a-z0-9][a-z0-9._-]{0,62}");
  const std::string name = config.as_string();
  if (!std::regex_match(name, kName)) {
    config.fail("'" + name +
                "' is not a name: 1 to 63 of a-z, 0-9, '.', '_', '-', not starting with a sign");
  }
  return name;
}

Config read_space(const Config& config, const fs::path& folder) {
  if (!config.has("file")) {
    known_name(config.at("family"), "family", config.at("family").as_string(),
               names_of(spaces::space_families()));
    return config;
  }
  config.require_known_keys({"file", "family"});
  const Config space = Config::load(existing_file(config.at("file"), folder));
  const std::string family = space.at("family").as_string();
  known_name(space.at("family"), "family", family, names_of(spaces::space_families()));
  if (const Config* expected = config.find("family"); expected && expected->as_string() != family) {
    expected->fail("the file " + config.at("file").as_string() + " is of family '" + family + "'");
  }
  return space;
}

spaces::Task read_task(const Config& config) {
  const std::vector<Config>& extents = config.at("input").items();
  if (extents.size() != 3) config.at("input").fail("give [channels, height, width]");
  const auto extent = [&](std::size_t i) { return static_cast<int>(extents[i].as_int(1, 65'536)); };
  return {{extent(0), extent(1), extent(2)},
          static_cast<int>(config.at("classes").as_int(1, 1'000'000))};
}

DeviceSection read_device(const Config& config, const fs::path& folder,
                          const std::string& latency_model) {
  const ProfileText profile = read_profile(config, folder);
  DeviceSection section{.profile = profile.config,
                        .device = estimators::device_from_config(profile.config),
                        .runtime = {},
                        .latency_model = latency_model};
  const Config& name = config.at("runtime");
  section.runtime = known_name(name, "runtime of " + section.device.name, name.as_string(),
                               names_of(std::span(std::as_const(section.device.runtimes))));
  const auto runtime = std::ranges::find(section.device.runtimes, section.runtime,
                                         &estimators::RuntimeProfile::name);
  if (runtime->latency_model_file && section.latency_model.empty()) {
    section.latency_model = estimators::read_latency_model(*runtime, profile.folder);
  }
  if (runtime->latency_model_file) {
    estimators::set_latency_model(*runtime, section.latency_model);
  }
  return section;
}

}  // namespace hwnas::engine
