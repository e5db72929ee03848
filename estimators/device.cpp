#include "estimators/device.hpp"

#include <algorithm>
#include <array>
#include <set>

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

/// Reads one device file. A `source` that is a key of the file's `sources` stands for the text
/// there.
class DeviceReader {
 public:
  explicit DeviceReader(const Config& config) : config_(config), sources_(config.find("sources")) {}

  DeviceProfile read() {
    config_.require_known_keys({"name", "summary", "sram_bytes", "flash_bytes", "clock_hz",
                                "memory_bytes_per_second", "active_power_mw", "power_relative_sd",
                                "sources", "runtimes"});
    DeviceProfile device{
        .name = config_.at("name").as_string(),
        .summary = config_.at("summary").as_string(),
        .sram_bytes = optional(config_, "sram_bytes", 1, kMaxBytes),
        .flash_bytes = optional(config_, "flash_bytes", 1, kMaxBytes),
        .clock_hz = sourced(config_, "clock_hz", 1, kMaxRate),
        .memory_bytes_per_second = sourced(config_, "memory_bytes_per_second", 1, kMaxRate),
        .active_power_mw = sourced(config_, "active_power_mw", 1e-3, kMaxPowerMw),
        .power_relative_sd = sourced(config_, "power_relative_sd", 0, kMaxRelativeSd),
        .runtimes = runtimes(config_.at("runtimes")),
    };
    require_all_sources_cited();
    return device;
  }

 private:
  Sourced sourced(const Config& parent, std::string_view key, double min, double max) {
    const Config& node = parent.at(key);
    node.require_known_keys({"value", "source"});
    return {.value = node.at("value").as_double(min, max), .source = source(node.at("source"))};
  }

  std::optional<Sourced> optional(const Config& parent, std::string_view key, double min,
                                  double max) {
    if (parent.find(key) == nullptr) return std::nullopt;
    return sourced(parent, key, min, max);
  }

  std::string source(const Config& node) {
    std::string text = node.as_string();
    if (sources_ != nullptr && sources_->has(text)) {
      cited_.insert(text);
      text = sources_->at(text).as_string();
    }
    if (text.empty()) node.fail("must say where the number is from");
    return text;
  }

  std::map<std::string, Sourced> mac_rates(const Config& node) {
    node.require_known_keys({"conv", "depthwise", "linear", "default"});
    std::map<std::string, Sourced> rates;
    for (const std::string& key : node.keys()) rates.emplace(key, sourced(node, key, 1, kMaxRate));
    for (const std::string_view kernel_class : kKernelClasses) {
      if (!node.has(kernel_class) && !node.has("default")) {
        node.fail(fmt::format("needs '{}' or 'default'", kernel_class));
      }
    }
    return rates;
  }

  RuntimeProfile runtime(const Config& node) {
    node.require_known_keys({"name", "macs_per_second", "outputs_per_second", "elements_per_second",
                             "layer_overhead_us", "runtime_ram_bytes", "runtime_flash_bytes",
                             "latency_relative_sd", "in_place_elementwise"});
    return {
        .name = node.at("name").as_string(),
        .macs_per_second = mac_rates(node.at("macs_per_second")),
        .outputs_per_second = optional(node, "outputs_per_second", 1, kMaxRate),
        .elements_per_second = sourced(node, "elements_per_second", 1, kMaxRate),
        .layer_overhead_us = sourced(node, "layer_overhead_us", 0, kMaxOverheadUs),
        .runtime_ram_bytes = sourced(node, "runtime_ram_bytes", 0, kMaxBytes),
        .runtime_flash_bytes = sourced(node, "runtime_flash_bytes", 0, kMaxBytes),
        .latency_relative_sd = sourced(node, "latency_relative_sd", 0, kMaxRelativeSd),
        .in_place_elementwise = node.at("in_place_elementwise").as_bool(),
    };
  }

  std::vector<RuntimeProfile> runtimes(const Config& node) {
    std::vector<RuntimeProfile> result;
    for (const Config& item : node.items()) {
      result.push_back(runtime(item));
      const std::string& name = result.back().name;
      if (std::any_of(result.begin(), result.end() - 1,
                      [&](const RuntimeProfile& other) { return other.name == name; })) {
        item.at("name").fail(fmt::format("runtime '{}' is there already", name));
      }
    }
    if (result.empty()) node.fail("needs at least one runtime");
    return result;
  }

  void require_all_sources_cited() const {
    if (sources_ == nullptr) return;
    for (const std::string& key : sources_->keys()) {
      if (!cited_.contains(key)) sources_->at(key).fail("no number cites this source");
    }
  }

  const Config& config_;
  const Config* sources_;
  std::set<std::string> cited_;
};

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
  return DeviceReader(config).read();
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
