#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.hpp"

namespace hwnas::estimators {

/// A constant of a device with where it is from (a data sheet's page, a measurement, a paper).
struct Sourced {
  double value = 0;
  std::string source;
};

/// How one runtime executes on the device: the same network differs 2-7x between runtimes, so all
/// rates are per runtime.
struct RuntimeProfile {
  std::string name;  ///< "tflite_micro", "tflite", "tensorrt", "onnxruntime", …
  std::map<std::string, Sourced>
      macs_per_second;                ///< by kernel class: "conv", "depthwise", "linear"; "default"
  Sourced elements_per_second;        ///< elementwise, pooling and activation outputs
  Sourced layer_overhead_us;          ///< fixed cost of one executed operator
  Sourced runtime_ram_bytes;          ///< interpreter or generated code, beside the activations
  Sourced runtime_flash_bytes;        ///< code size, beside the weights
  bool in_place_elementwise = false;  ///< activation and add may overwrite an input
};

/// A target device. Loaded from configs/devices/<name>.yaml, where every number stands with its
/// source.
struct DeviceProfile {
  std::string name;
  std::string summary;
  std::optional<Sourced> sram_bytes;  ///< absent: not limited (Linux-class)
  std::optional<Sourced> flash_bytes;
  Sourced clock_hz;
  Sourced memory_bytes_per_second;  ///< sustained, for weights and activations
  Sourced active_power_mw;          ///< while inferring
  std::vector<RuntimeProfile> runtimes;

  /// Throws NotFound listing the runtimes there are.
  const RuntimeProfile& runtime(const std::string& name) const;
};

/// Reads a profile strictly: a number without `source` is an error.
DeviceProfile device_from_config(const Config& config);
DeviceProfile load_device(const std::filesystem::path& file);

}  // namespace hwnas::estimators
