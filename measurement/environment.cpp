#include "measurement/environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::measurement {

namespace {

std::string first_line(const std::filesystem::path& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// The value of the first "key : value" whose key is one of those.
std::string cpu_model(const std::filesystem::path& file) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    for (const std::string_view key : {"model name", "Model", "Hardware"}) {
      if (line.starts_with(key)) return one_line(line.substr(colon + 2));
    }
  }
  return {};
}

/// Folders in `folder` whose names begin so.
std::vector<std::filesystem::path> folders_like(const std::filesystem::path& folder,
                                                std::string_view prefix) {
  std::vector<std::filesystem::path> found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    if (entry.path().filename().string().starts_with(prefix)) found.push_back(entry.path());
  }
  return found;
}

std::optional<double> hottest_sensor(const std::filesystem::path& folder) {
  std::optional<double> hottest;
  for (const std::filesystem::path& zone : folders_like(folder, "thermal_zone")) {
    const auto millidegrees = parse_integer(first_line(zone / "temp"));
    if (millidegrees) {
      hottest = std::max(hottest.value_or(-273), static_cast<double>(*millidegrees) / 1000);
    }
  }
  return hottest;
}

}  // namespace

HostState::HostState(std::filesystem::path root)
    : root_(std::move(root)), events_at_start_(throttle_events()) {}

std::optional<std::int64_t> HostState::throttle_events() const {
  std::optional<std::int64_t> events;
  for (const auto& cpu : folders_like(root_ / "sys/devices/system/cpu", "cpu")) {
    const auto count = parse_integer(first_line(cpu / "thermal_throttle/core_throttle_count"));
    if (count) events = events.value_or(0) + *count;
  }
  return events;
}

std::optional<bool> HostState::throttled() const {
  // Raspberry Pi's firmware: bits 0 to 3 say that voltage or heat hold the clock down now.
  const std::string bits =
      first_line(root_ / "sys/devices/platform/soc/soc:firmware/get_throttled");
  if (!bits.empty()) return (std::strtoul(bits.c_str(), nullptr, 16) & 0xFU) != 0;
  const std::optional<std::int64_t> events = throttle_events();
  if (!events || !events_at_start_) return std::nullopt;
  return *events > *events_at_start_;
}

Environment HostState::read(std::optional<int> cpu) const {
  return {.cpu = cpu_model(root_ / "proc/cpuinfo"),
          .governor = first_line(
              root_ / fmt::format("sys/devices/system/cpu/cpu{}/cpufreq", cpu.value_or(0)) /
              "scaling_governor"),
          .pinned_cpu = cpu,
          .binary_sha256 = {},
          .tool = {},
          .temperature_c = hottest_sensor(root_ / "sys/class/thermal"),
          .throttled = throttled()};
}

}  // namespace hwnas::measurement
