#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "core/config.hpp"
#include "measurement/artifact.hpp"
#include "measurement/measurement.hpp"

namespace hwnas::measurement {

/// Measures networks on one device. Used by one thread at a time.
class Runner {
 public:
  virtual ~Runner() = default;
  virtual std::string_view name() const = 0;
  /// Ends within the runner's time limit, whatever device and program do: what goes wrong there is
  /// in the result. Throws Cancelled if it was stopped, for then nothing is known, and what reading
  /// the artifact's files throws.
  virtual Measurement measure(const Artifact& artifact, std::stop_token stop = {}) = 0;
};

struct RunnerInfo {
  std::string_view name;
  std::string_view summary;
  std::string_view options;  ///< the keys that it takes beside "runner", with defaults
  std::unique_ptr<Runner> (*make)(const Config& options);
};
/// All runners: host, command, agent, qemu_cortex_m.
std::span<const RunnerInfo> runners();

/// `options`: a map with the runner's name under "runner"; docs/measurement.md has the keys.
/// Throws InvalidArgument with its place for unknown names, keys and values.
std::unique_ptr<Runner> make_runner(const Config& options);

}  // namespace hwnas::measurement
