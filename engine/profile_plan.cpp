#include <limits>

#include "core/error.hpp"
#include "engine/profile.hpp"

namespace hwnas::engine {

ProfilePlan ProfilePlan::load(const std::filesystem::path& file) {
  const Config config = Config::load(file);
  const auto folder = std::filesystem::absolute(file).parent_path();
  config.require_known_keys({"version", "name", "summary", "device", "space", "input", "classes",
                             "seed", "networks", "held_back", "reference_every", "max_drift",
                             "measurement"});
  config.at("version").as_int(1, 1);
  constexpr std::int64_t kMostNetworks = 2000;  // a Gaussian process goes no further
  ProfilePlan plan{
      .name = read_name(config.at("name")),
      .summary = config.string_or("summary", ""),
      .device = read_device(config.at("device"), folder),
      .space = read_space(config.at("space"), folder),
      .task = read_task(config),
      .seed = static_cast<std::uint64_t>(
          config.int_or("seed", 0, 0, std::numeric_limits<std::int64_t>::max())),
      .networks = static_cast<int>(config.int_or("networks", 40, 5, kMostNetworks)),
      .held_back = static_cast<int>(config.int_or("held_back", 10, 2, kMostNetworks)),
      .reference_every = static_cast<int>(config.int_or("reference_every", 10, 1, kMostNetworks)),
      .max_drift = config.double_or("max_drift", 0.02, 1e-4, 1),
      .measurement = MeasurementOptions::from_config(config.at("measurement")),
      .text = config.to_yaml(),
  };
  if (config.at("measurement").has("every")) {
    config.at("measurement").at("every").fail("is for searches: a profile measures every network");
  }
  return plan;
}

}  // namespace hwnas::engine
