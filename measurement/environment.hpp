#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "measurement/measurement.hpp"

namespace hwnas::measurement {

/// What Linux says of the machine this runs on, in files below `root`.
class HostState {
 public:
  explicit HostState(std::filesystem::path root = "/");

  /// Model and governor of the processor (the first one, if none is named), the hottest sensor,
  /// and whether the clock was held down since this object was made.
  Environment read(std::optional<int> cpu) const;

 private:
  /// Throttling events counted so far, over all processors; nothing where they are not counted.
  std::optional<std::int64_t> throttle_events() const;
  std::optional<bool> throttled() const;

  std::filesystem::path root_;
  std::optional<std::int64_t> events_at_start_;
};

}  // namespace hwnas::measurement
