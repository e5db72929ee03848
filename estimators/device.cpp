#include "estimators/device.hpp"

#include <algorithm>
#include <array>

#include "core/error.hpp"

namespace hwnas::estimators {

namespace {

constexpr std::array<std::string_view, 3> kKernelClasses = {"conv", "depthwise", "linear"};

// No constant of a real device is outside; they catch slips of unit and exponent.
constexpr double kMaxRate = 1e16;  // a second
constexpr double kMaxBytes = 1e13;
constexpr double kMaxOverheadUs = 1e6;
constexpr double kMaxPowerMw = 1e7;
constexpr double kMaxRelativeSd = 1;

Sourced read_sourced(const Config& node, double min, double max) {
  node.require_known_keys({"value", "source"});
  Sourced result{.value = node.at("value").as_double(min, max),
                 .source = node.at("source").as_string()};
  if (result.source.empty()) node.at("source").fail("must say where the number is from");
  return result;
}

std::optional<Sourced> read_optional(const Config& parent, std::string_view key, double min,
                                     double max) {
  const Config* const node = parent.find(key);
  if (node == nullptr) return std::nullopt;
  return read_sourced(*node, min, max);
}

std::map<std::string, Sourced> read_mac_rates(const Config& node) {
  node.require_known_keys({"conv", "depthwise", "linear", "default"});
  std::map<std::string, Sourced> rates;
  for (const std::string& key : node.keys()) {
    rates.emplace(key, read_sourced(node.at(key), 1, kMaxRate));
  }
  for (const std::string_view kernel_class : kKernelClasses) {
    if (!node.has(kernel_class) && !node.has("default")) {
      node.fail(fmt::format("needs '{}' or 'default'", kernel_class));
    }
  }
  return rates;
}

RuntimeProfile read_runtime(const Config& node) {
  node.require_known_keys({"name", "macs_per_second", "outputs_per_second", "elements_per_second",
                           "layer_overhead_us", "runtime_ram_bytes", "runtime_flash_bytes",
                           "latency_relative_sd", "in_place_elementwise"});
  return {
      .name = node.at("name").as_string(),
      .macs_per_second = read_mac_rates(node.at("macs_per_second")),
      .outputs_per_second = read_optional(node, "outputs_per_second", 1, kMaxRate),
      .elements_per_second = read_sourced(node.at("elements_per_second"), 1, kMaxRate),
      .layer_overhead_us = read_sourced(node.at("layer_overhead_us"), 0, kMaxOverheadUs),
      .runtime_ram_bytes = read_sourced(node.at("runtime_ram_bytes"), 0, kMaxBytes),
      .runtime_flash_bytes = read_sourced(node.at("runtime_flash_bytes"), 0, kMaxBytes),
      .latency_relative_sd = read_sourced(node.at("latency_relative_sd"), 0, kMaxRelativeSd),
      .in_place_elementwise = node.at("in_place_elementwise").as_bool(),
  };
}

std::vector<RuntimeProfile> read_runtimes(const Config& node) {
  std::vector<RuntimeProfile> runtimes;
  for (const Config& item : node.items()) {
    RuntimeProfile runtime = read_runtime(item);
    for (const RuntimeProfile& other : runtimes) {
      if (other.name == runtime.name) {
        item.at("name").fail(fmt::format("runtime '{}' is there already", runtime.name));
      }
    }
    runtimes.push_back(std::move(runtime));
  }
  if (runtimes.empty()) node.fail("needs at least one runtime");
  return runtimes;
}

}  // namespace

double RuntimeProfile::mac_rate(std::string_view kernel_class) const {
  auto rate = macs_per_second.find(std::string(kernel_class));
  if (rate == macs_per_second.end()) rate = macs_per_second.find("default");
  if (rate == macs_per_second.end()) {
    throw error(ErrorCode::kFailedPrecondition,
                "runtime '{}' has no macs_per_second for '{}' and no default", name, kernel_class);
  }
  return rate->second.value;
}

const RuntimeProfile& DeviceProfile::runtime(const std::string& runtime_name) const {
  std::vector<std::string> names;
  for (const RuntimeProfile& candidate : runtimes) {
    if (candidate.name == runtime_name) return candidate;
    names.push_back(candidate.name);
  }
  throw error(ErrorCode::kNotFound, "device '{}' has no runtime '{}'; it has: {}{}", name,
              runtime_name, fmt::join(names, ", "), did_you_mean(runtime_name, names));
}

DeviceProfile device_from_config(const Config& config) {
  config.require_known_keys({"name", "summary", "sram_bytes", "flash_bytes", "clock_hz",
                             "memory_bytes_per_second", "active_power_mw", "power_relative_sd",
                             "runtimes"});
  return {
      .name = config.at("name").as_string(),
      .summary = config.at("summary").as_string(),
      .sram_bytes = read_optional(config, "sram_bytes", 1, kMaxBytes),
      .flash_bytes = read_optional(config, "flash_bytes", 1, kMaxBytes),
      .clock_hz = read_sourced(config.at("clock_hz"), 1, kMaxRate),
      .memory_bytes_per_second = read_sourced(config.at("memory_bytes_per_second"), 1, kMaxRate),
      .active_power_mw = read_sourced(config.at("active_power_mw"), 1e-3, kMaxPowerMw),
      .power_relative_sd = read_sourced(config.at("power_relative_sd"), 0, kMaxRelativeSd),
      .runtimes = read_runtimes(config.at("runtimes")),
  };
}

DeviceProfile load_device(const std::filesystem::path& file) {
  const Config config = Config::load(file);
  DeviceProfile device = device_from_config(config);
  if (device.name != file.stem().string()) {
    config.at("name").fail(
        fmt::format("is '{}', but the file is named '{}'", device.name, file.stem().string()));
  }
  return device;
}

}  // namespace hwnas::estimators
