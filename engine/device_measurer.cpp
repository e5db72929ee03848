#include "engine/device_measurer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "engine/untrained_model.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;

measurement::Measurement refused(const ir::Network& network, const std::string& name,
                                 std::string_view runner, const std::string& reason) {
  measurement::Measurement measurement;
  measurement.network = name;
  measurement.network_hash = ir::stable_hash_digits(network);
  measurement.runner = runner;
  measurement.status = measurement::Status::kRefused;
  measurement.reason = reason;
  return measurement;
}

}  // namespace

MeasurementOptions MeasurementOptions::from_config(const Config& config) {
  config.require_known_keys({"with", "format", "integers", "every"});
  MeasurementOptions options;
  options.runner = config.at("with");
  measurement::make_runner(options.runner);
  std::vector<std::string> formats;
  for (const auto& row : exporters::exporters()) formats.emplace_back(row.name);
  if (const Config* format = config.find("format")) {
    options.format = formats[format->as_one_of(formats)];
  }
  options.integers = config.bool_or("integers", options.integers);
  options.every = static_cast<int>(config.int_or("every", options.every, 1, 1'000'000));
  return options;
}

DeviceMeasurer::DeviceMeasurer(const MeasurementOptions& options, fs::path folder)
    : options_(options),
      folder_(std::move(folder)),
      runner_(measurement::make_runner(options.runner)) {}

measurement::Artifact export_untrained(const ir::Network& network, const std::string& name,
                                       const MeasurementOptions& options, const fs::path& folder) {
  const auto exporter =
      std::ranges::find(exporters::exporters(), options.format, &exporters::ExporterInfo::name);
  const fs::path file = folder / (name + std::string(exporter->extension));
  exporters::Model model = untrained_model(name, network, ir::stable_hash(network));
  if (!options.integers) model.quantized.reset();
  fs::create_directories(folder);
  exporter->write(model, file);
  return measurement::artifact_of(file, ir::stable_hash_digits(network));
}

measurement::Measurement DeviceMeasurer::measure(const ir::Network& network,
                                                 const std::string& name, std::stop_token stop) {
  const fs::path folder = folder_ / name;
  try {
    const measurement::Artifact artifact = export_untrained(network, name, options_, folder);
    measurement::Measurement measurement = runner_->measure(artifact, stop);
    fs::remove_all(folder);
    return measurement;
  } catch (const Error& failure) {
    fs::remove_all(folder);
    if (failure.code() != ErrorCode::kInvalidArgument) throw;
    return refused(network, name, runner_->name(), failure.what());
  }
}

std::optional<report::MetricValue> measured_latency(const measurement::Measurement& measurement) {
  if (!measurement.ok()) return std::nullopt;
  if (measurement.latency.runs > 0) {
    return report::MetricValue{"latency_ms", measurement.latency.median_ms,
                               measurement.latency.standard_deviation_ms(), measurement.origin};
  }
  if (!measurement.estimated_latency_ms) return std::nullopt;
  return report::MetricValue{"latency_ms", *measurement.estimated_latency_ms, 0,
                             measurement.origin};
}

}  // namespace hwnas::engine
