#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"

namespace hwnas::estimators {

/// A constant of a device with where it is from (a data sheet's page, a measurement, a paper).
struct Sourced {
  double value = 0;
  std::string source;
};

/// How one runtime executes on the device: the same network differs 2-7x between runtimes, so all
/// rates are per runtime. They hold for the precision the runtime was measured with (int8 on
/// microcontrollers and the Edge TPU, float elsewhere).
struct RuntimeProfile {
  std::string name;  ///< "tflite_micro", "stm32cubeai", "tflite", "openvino", …
  std::map<std::string, Sourced> macs_per_second;  ///< by kernel class: "conv", "depthwise",
                                                   ///< "linear"; "default" for the others
  std::optional<Sourced> outputs_per_second;  ///< convolution outputs: bias, requantisation, loops
  Sourced elements_per_second;  ///< elements that elementwise, pooling and copying kernels read
  Sourced layer_overhead_us;    ///< fixed cost of one executed kernel
  Sourced runtime_ram_bytes;    ///< interpreter or generated code, beside the activations
  Sourced runtime_flash_bytes;  ///< code size, beside the weights
  Sourced latency_relative_sd;  ///< of predictions from these rates, against measurements
  bool in_place_elementwise = false;  ///< activation and add may overwrite an input

  /// MACs a second of a kernel class: its own rate, or that of "default". Throws FailedPrecondition
  /// if there is neither.
  double mac_rate(std::string_view kernel_class) const;
};

/// A target device. Loaded from configs/devices/<name>.yaml, where every number stands with its
/// source.
struct DeviceProfile {
  std::string name;
  std::string summary;
  std::optional<Sourced> sram_bytes;  ///< absent: not limited (Linux-class)
  std::optional<Sourced> flash_bytes;
  Sourced clock_hz;
  Sourced memory_bytes_per_second;  ///< for weights and activations; at most what the bus can do
  Sourced active_power_mw;          ///< while inferring
  Sourced power_relative_sd;        ///< of active_power_mw
  std::vector<RuntimeProfile> runtimes;

  /// Throws NotFound listing the runtimes there are.
  const RuntimeProfile& runtime(const std::string& runtime_name) const;
};

/// Reads a profile strictly: unknown keys, missing keys, a number without `source`, values out of
/// range, duplicate runtimes and kernel classes without a rate are errors at their place. A
/// `source` that is a key of the file's `sources` stands for the text there; a source nobody cites
/// is an error.
DeviceProfile device_from_config(const Config& config);
/// The file's name without extension must be the device's name.
DeviceProfile load_device(const std::filesystem::path& file);

}  // namespace hwnas::estimators
