#include "estimators/device.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "core/error.hpp"
#include "estimators/latency_model.hpp"

namespace hwnas::estimators {

namespace {

constexpr std::array<std::string_view, 3> kKernelClasses = {"conv", "depthwise", "linear"};
// What a key of macs_per_second may be.
const std::vector<std::string> kRateKeys = {"conv", "pointwise", "depthwise", "linear", "default"};

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
  /// `faults`: takes the messages of all faults; null: the first one is thrown.
  explicit DeviceReader(const Config& config, std::vector<std::string>* faults = nullptr)
      : config_(config), sources_(config.find("sources")), faults_(faults) {}

  DeviceProfile read() {
    checked([&] {
      config_.require_known_keys({"name", "summary", "sram_bytes", "flash_bytes", "clock_hz",
                                  "memory_bytes_per_second", "active_power_mw", "power_relative_sd",
                                  "sources", "runtimes"});
    });
    DeviceProfile device{
        .name = checked([&] { return config_.at("name").as_string(); }),
        .summary = checked([&] { return config_.at("summary").as_string(); }),
        .sram_bytes = optional(config_, "sram_bytes", 1, kMaxBytes),
        .flash_bytes = optional(config_, "flash_bytes", 1, kMaxBytes),
        .clock_hz = sourced(config_, "clock_hz", 1, kMaxRate),
        .memory_bytes_per_second = sourced(config_, "memory_bytes_per_second", 1, kMaxRate),
        .active_power_mw = sourced(config_, "active_power_mw", 1e-3, kMaxPowerMw),
        .power_relative_sd = sourced(config_, "power_relative_sd", 0, kMaxRelativeSd),
        .runtimes = checked([&] { return runtimes(config_.at("runtimes")); }),
    };
    // With faults elsewhere, what would cite a source may not have been read.
    if (faults_ == nullptr || faults_->empty()) checked([&] { require_all_sources_cited(); });
    return device;
  }

 private:
  /// What `read` gives; a default value where its fault has been taken down.
  template <typename Read>
  auto checked(const Read& read) -> decltype(read()) {
    if (faults_ == nullptr) return read();
    try {
      return read();
    } catch (const Error& fault) {
      faults_->emplace_back(fault.what());
      return decltype(read())();
    }
  }

  Sourced sourced(const Config& parent, std::string_view key, double min, double max) {
    return checked([&]() -> Sourced {
      const Config& node = parent.at(key);
      node.require_known_keys({"value", "source"});
      return {.value = node.at("value").as_double(min, max), .source = source(node.at("source"))};
    });
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
    node.require_known_keys(kRateKeys);
    std::map<std::string, Sourced> rates;
    for (const std::string& key : node.keys()) rates.emplace(key, sourced(node, key, 1, kMaxRate));
    checked([&] {
      for (const std::string_view kernel_class : kKernelClasses) {
        if (!node.has(kernel_class) && !node.has("default")) {
          node.fail(fmt::format("needs '{}' or 'default'", kernel_class));
        }
      }
    });
    return rates;
  }

  KernelRow kernel(const Config& node) {
    node.require_known_keys(
        {"class", "weight_bits", "activation_bits", "macs_per_second", "source"});
    KernelRow row{
        .kernel_class = kRateKeys[node.at("class").as_one_of(kRateKeys)],
        .precision = {.weight_bits = static_cast<int>(node.at("weight_bits").as_int(1, 32)),
                      .activation_bits =
                          static_cast<int>(node.at("activation_bits").as_int(1, 32))},
        .macs_per_second = std::nullopt,
        .source = source(node.at("source"))};
    if (node.has("macs_per_second")) {
      row.macs_per_second = node.at("macs_per_second").as_double(1, kMaxRate);
    }
    return row;
  }

  std::vector<KernelRow> kernels(const Config& runtime) {
    std::vector<KernelRow> rows;
    if (!runtime.has("kernels")) return rows;
    for (const Config& item : runtime.at("kernels").items()) {
      const KernelRow row = kernel(item);
      for (const KernelRow& other : rows) {
        if (other.kernel_class == row.kernel_class && other.precision == row.precision) {
          item.fail(fmt::format(
              "the kernel for '{}' with {}-bit weights and {}-bit activations is "
              "there already",
              row.kernel_class, row.precision.weight_bits, row.precision.activation_bits));
        }
      }
      rows.push_back(row);
    }
    return rows;
  }

  static ir::Precision measured_precision(const Config& runtime) {
    const Config* const node = runtime.find("measured_with");
    const bool is_float = node != nullptr && node->as_one_of({"int8", "float"}) == 1;
    return is_float ? ir::Precision{32, 32} : ir::Precision{8, 8};
  }

  static ir::Arithmetic arithmetic(const Config& runtime) {
    ir::Arithmetic result;
    if (const Config* const node = runtime.find("requantization")) {
      const std::vector<std::string> names = {"tfl_double", "tfl_single", "float_rne",
                                              "float_trunc"};
      result.requantization = ir::requantization(names[node->as_one_of(names)]);
    }
    result.u8s8_saturates = runtime.bool_or("u8s8_saturates", false);
    return result;
  }

  ConstantSizes constants(const Config& runtime) {
    ConstantSizes sizes;
    const Config* const node = runtime.find("constants");
    if (node == nullptr) return sizes;
    constexpr int kMost = 1 << 20;
    node->require_known_keys({"per_output_channel", "per_table", "per_softmax", "source"});
    const auto bytes = [&](std::string_view key) {
      return static_cast<int>(node->at(key).as_int(0, kMost));
    };
    return {.per_output_channel = bytes("per_output_channel"),
            .per_table = bytes("per_table"),
            .per_softmax = bytes("per_softmax"),
            .source = source(node->at("source"))};
  }

  std::optional<CodeSizes> code(const Config& runtime) {
    const Config* const node = runtime.find("code");
    if (node == nullptr) return std::nullopt;
    node->require_known_keys({"base", "by_operator", "per_convolution_channel", "sd", "source"});
    const auto bytes = [](const Config& number) { return number.as_double(0, kMaxBytes); };
    CodeSizes sizes{.base = bytes(node->at("base")),
                    .by_operator = {},
                    .per_convolution_channel = bytes(node->at("per_convolution_channel")),
                    .sd = bytes(node->at("sd")),
                    .source = source(node->at("source"))};
    const Config& operators = node->at("by_operator");
    operators.require_known_keys({"conv", "depthwise", "linear", "max_pool", "average_pool", "add",
                                  "mul", "concat", "pad", "softmax"});
    for (const std::string& key : operators.keys()) {
      sizes.by_operator[key] = bytes(operators.at(key));
    }
    return sizes;
  }

  FusionRules fusion(const Config& node) {
    node.require_known_keys({"rules", "source"});
    const std::span<const std::string_view> known = fusion_rule_names();
    const std::vector<std::string> names(known.begin(), known.end());
    FusionRules rules({});
    for (const Config& item : node.at("rules").items()) {
      const auto rule = static_cast<FusionRule>(item.as_one_of(names));
      if (rules.has(rule)) item.fail("the rule is there already");
      rules = rules.with(rule);
    }
    return rules;
  }

  std::optional<ModelFile> model_file(const Config& runtime, std::string_view key) {
    const Config* const node = runtime.find(key);
    if (node == nullptr) return std::nullopt;
    node->require_known_keys({"file", "sha256", "source"});
    ModelFile model{.file = node->at("file").as_string(),
                    .sha256 = node->at("sha256").as_string(),
                    .source = source(node->at("source"))};
    if (std::filesystem::path(model.file).filename() != model.file) {
      node->at("file").fail("must be the name of a file beside this one");
    }
    return model;
  }

  RuntimeProfile runtime(const Config& node) {
    checked([&] {
      node.require_known_keys({"name", "macs_per_second", "outputs_per_second",
                               "elements_per_second", "layer_overhead_us", "runtime_ram_bytes",
                               "runtime_flash_bytes", "latency_relative_sd", "in_place_elementwise",
                               "measured_with", "kernels", "requantization", "u8s8_saturates",
                               "constants", "code", "fusion", "latency_model"});
    });
    const Config* const fused = node.find("fusion");
    return {
        .name = checked([&] { return node.at("name").as_string(); }),
        .macs_per_second = checked([&] { return mac_rates(node.at("macs_per_second")); }),
        .outputs_per_second = optional(node, "outputs_per_second", 1, kMaxRate),
        .elements_per_second = sourced(node, "elements_per_second", 1, kMaxRate),
        .layer_overhead_us = sourced(node, "layer_overhead_us", 0, kMaxOverheadUs),
        .runtime_ram_bytes = sourced(node, "runtime_ram_bytes", 0, kMaxBytes),
        .runtime_flash_bytes = sourced(node, "runtime_flash_bytes", 0, kMaxBytes),
        .latency_relative_sd = sourced(node, "latency_relative_sd", 0, kMaxRelativeSd),
        .in_place_elementwise = checked([&] { return node.at("in_place_elementwise").as_bool(); }),
        .measured = checked([&] { return measured_precision(node); }),
        .kernels = checked([&] { return kernels(node); }),
        .arithmetic = checked([&] { return arithmetic(node); }),
        .constants = checked([&] { return constants(node); }),
        .code = checked([&] { return code(node); }),
        .fusion = checked([&] { return fused != nullptr ? fusion(*fused) : FusionRules{}; }),
        .fusion_source =
            checked([&] { return fused != nullptr ? source(fused->at("source")) : std::string(); }),
        .latency_model_file = checked([&] { return model_file(node, "latency_model"); }),
        .latency_model = nullptr,
    };
  }

  std::vector<RuntimeProfile> runtimes(const Config& node) {
    std::vector<RuntimeProfile> result;
    for (const Config& item : node.items()) {
      RuntimeProfile read = checked([&] { return runtime(item); });
      const bool named = faults_ == nullptr || !read.name.empty();
      if (named && std::ranges::count(result, read.name, &RuntimeProfile::name) > 0) {
        checked(
            [&] { item.at("name").fail(fmt::format("runtime '{}' is there already", read.name)); });
      }
      result.push_back(std::move(read));
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
  std::vector<std::string>* faults_;
  std::set<std::string> cited_;
};

}  // namespace

double RuntimeProfile::mac_rate(std::string_view kernel_class) const {
  auto rate = macs_per_second.find(std::string(kernel_class));
  if (rate == macs_per_second.end() && kernel_class == "pointwise") return mac_rate("conv");
  if (rate == macs_per_second.end()) rate = macs_per_second.find("default");
  if (rate == macs_per_second.end()) {
    throw error(ErrorCode::kFailedPrecondition,
                "runtime '{}' has no macs_per_second for '{}' and no default", name, kernel_class);
  }
  return rate->second.value;
}

double RuntimeProfile::mac_rate(std::string_view kernel_class,
                                const ir::Precision& precision) const {
  const KernelRow* const found = row(kernel_class, precision);
  return found != nullptr && found->macs_per_second ? *found->macs_per_second
                                                    : mac_rate(kernel_class);
}

bool RuntimeProfile::has_kernel(std::string_view kernel_class,
                                const ir::Precision& precision) const {
  return precision == measured || row(kernel_class, precision) != nullptr;
}

const KernelRow* RuntimeProfile::row(std::string_view kernel_class,
                                     const ir::Precision& precision) const {
  const auto find = [&](std::string_view key) {
    const auto found =
        std::find_if(kernels.begin(), kernels.end(), [&](const KernelRow& candidate) {
          return candidate.kernel_class == key && candidate.precision == precision;
        });
    return found == kernels.end() ? nullptr : &*found;
  };
  const KernelRow* result = find(kernel_class);
  if (result == nullptr && kernel_class == "pointwise") result = find("conv");
  return result != nullptr ? result : find("default");
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

std::vector<std::string> faults_of_device(const Config& config) {
  std::vector<std::string> faults;
  try {
    DeviceReader(config, &faults).read();
  } catch (const Error& fault) {
    faults.emplace_back(fault.what());  // no map at all
  }
  return faults;
}

DeviceProfile load_device(const std::filesystem::path& file) {
  const Config config = Config::load(file);
  DeviceProfile device = device_from_config(config);
  if (device.name != file.stem().string()) {
    config.at("name").fail(
        fmt::format("is '{}', but the file is named '{}'", device.name, file.stem().string()));
  }
  for (RuntimeProfile& runtime : device.runtimes) {
    if (!runtime.latency_model_file) continue;
    set_latency_model(runtime, read_latency_model(runtime, file.parent_path()));
  }
  return device;
}

}  // namespace hwnas::estimators
