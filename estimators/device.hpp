#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.hpp"
#include "estimators/fusion_rules.hpp"
#include "ir/network.hpp"
#include "ir/quantization.hpp"

namespace hwnas::estimators {

/// A constant of a device with where it is from (a data sheet's page, a measurement, a paper).
struct Sourced {
  double value = 0;
  std::string source;
};

/// A kernel that a runtime has for other precisions than it was measured with.
struct KernelRow {
  std::string kernel_class;  ///< as a key of RuntimeProfile::macs_per_second
  ir::Precision precision;
  std::optional<double> macs_per_second;  ///< absent: as fast as the measured one, because weights
                                          ///< are unpacked (a size option only) or for want of data
  std::string source;
};

/// What a runtime stores in flash beside the weights themselves.
struct ConstantSizes {
  int per_output_channel = 8;  ///< of a quantized convolution or linear layer: an int32 bias and a
                               ///< float scale, for one
  int per_table = 0;    ///< of a hard-swish, sigmoid or hard-sigmoid kernel that looks values up
  int per_softmax = 0;  ///< of a softmax kernel
  std::string source;
};

/// What the code of a firmware takes in flash, in bytes; see firmware_bytes.
struct CodeSizes {
  double base = 0;  ///< start-up code, C library, interpreter, and what every network needs
  std::map<std::string, double> by_operator;  ///< once for each kind that the network has
  double per_convolution_channel = 0;         ///< of the container, beside ConstantSizes
  double sd = 0;                              ///< one standard deviation of the whole
  std::string source;
};

class LatencyModel;

/// A learned model in a file beside the device's.
struct ModelFile {
  std::string file;  ///< a name without folders
  std::string sha256;
  std::string source;
};

/// How one runtime executes on the device: the same network differs 2-7x between runtimes, so all
/// rates are per runtime. They hold for the precision the runtime was measured with (int8 on
/// microcontrollers and the Edge TPU, float elsewhere).
struct RuntimeProfile {
  std::string name;  ///< "tflite_micro", "stm32cubeai", "tflite", "openvino", …
  /// By kernel class: "conv", "pointwise" (1x1 convolutions; "conv" if absent), "depthwise",
  /// "linear"; "default" for the others.
  std::map<std::string, Sourced> macs_per_second;
  std::optional<Sourced> outputs_per_second;  ///< convolution outputs: bias, requantisation, loops
  Sourced elements_per_second;  ///< elements that elementwise, pooling and copying kernels read
  Sourced layer_overhead_us;    ///< fixed cost of one executed kernel
  Sourced runtime_ram_bytes;    ///< interpreter or generated code, beside the activations
  Sourced runtime_flash_bytes;  ///< code size, beside the weights
  Sourced latency_relative_sd;  ///< of predictions from these rates, against measurements
  bool in_place_elementwise = false;  ///< activation and add may overwrite an input
  ir::Precision measured{.weight_bits = 8, .activation_bits = 8};  ///< what the rates hold for
  std::vector<KernelRow> kernels;                                  ///< beside those for `measured`
  ir::Arithmetic arithmetic;                                       ///< of its integer kernels
  ConstantSizes constants;
  std::optional<CodeSizes> code;
  FusionRules fusion;         ///< what it does to the graph before it executes it
  std::string fusion_source;  ///< empty: the default rules

  std::optional<ModelFile> latency_model_file;
  /// What latency_ms predicts with, instead of the rates alone; null until the file is read.
  std::shared_ptr<const LatencyModel> latency_model;

  /// MACs a second of a kernel class at the measured precision: its own rate, that of "conv" for
  /// "pointwise", or that of "default". Throws FailedPrecondition if there is none.
  double mac_rate(std::string_view kernel_class) const;
  /// The same at a precision: that of the kernel's row if it has one, else the measured rate, also
  /// where there is no kernel (see has_kernel).
  double mac_rate(std::string_view kernel_class, const ir::Precision& precision) const;
  /// Whether the runtime can execute the class at the precision.
  bool has_kernel(std::string_view kernel_class, const ir::Precision& precision) const;

 private:
  const KernelRow* row(std::string_view kernel_class, const ir::Precision& precision) const;
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
/// range, duplicate runtimes, duplicate kernels and kernel classes without a rate are errors at
/// their place. A
/// `source` that is a key of the file's `sources` stands for the text there; a source nobody cites
/// is an error.
DeviceProfile device_from_config(const Config& config);
/// The messages of all faults for which device_from_config would refuse the profile, the one that
/// it throws first; what follows from another fault is left out. Empty: there is none.
std::vector<std::string> faults_of_device(const Config& config);
/// With the learned models of its runtimes. The file's name without extension must be the device's.
DeviceProfile load_device(const std::filesystem::path& file);

}  // namespace hwnas::estimators
