#include "service/device_requests.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "engine/device_measurer.hpp"
#include "measurement/measurement.hpp"
#include "service/error_status.hpp"
#include "service/filter.hpp"
#include "service/messages.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"
#include "spaces/search_space.hpp"

namespace hwnas::service {
namespace {

using nlohmann::json;

constexpr const char* kProfileSource = "profile";
constexpr const char* kProfileField = "device.profile";
constexpr const char* kSpaceSource = "space";
constexpr int kMaxMeasurements = 1000;
// No network that anybody would train has more, and costs of one this long take milliseconds.
constexpr std::size_t kMaxLayers = 2000;
constexpr std::size_t kMaxJsonBytes = 256 * 1024;
constexpr double kMinLatencyMs = 1e-6;
constexpr double kMaxLatencyMs = 1e9;
constexpr int kMaxExtent = 65'536;
constexpr int kMaxClasses = 1'000'000;

/// Learned models are files of the server's; the daemon learns from what is reported instead.
void find_files(const Config& profile, std::vector<std::string>& faults) {
  const Config* runtimes = profile.find("runtimes");
  if (runtimes == nullptr || runtimes->kind() != Config::Kind::kList) return;
  for (const Config& runtime : runtimes->items()) {
    if (runtime.kind() != Config::Kind::kMap) continue;
    const Config* model = runtime.find("latency_model");
    if (model == nullptr) continue;
    try {
      model->fail("a device of the daemon cannot name files; leave it out and report measurements");
    } catch (const Error& fault) {
      faults.emplace_back(fault.what());
    }
  }
}

void require_name(const Config& profile, const std::string& id) {
  const Config& name = profile.at("name");
  if (name.as_string() == id) return;
  name.fail(fmt::format("is {}, but device_id is {}", in_quotes(name.as_string()), in_quotes(id)));
}

/// Throws InvalidFields with all faults of the text.
std::vector<std::string> checked_runtimes(const std::string& text, const std::string& id) {
  std::vector<std::string> faults;
  std::vector<std::string> runtimes;
  try {
    const Config profile = Config::parse(text, kProfileSource);
    faults = estimators::faults_of_device(profile);
    find_files(profile, faults);
    if (faults.empty()) {
      require_name(profile, id);
      for (const auto& runtime : estimators::device_from_config(profile).runtimes) {
        runtimes.push_back(runtime.name);
      }
    }
  } catch (const Error& fault) {
    faults.emplace_back(fault.what());
  }
  if (faults.empty()) return runtimes;
  std::vector<FieldViolation> violations;
  for (const std::string& fault : faults) {
    violations.push_back(violation_of(kProfileField, fault, kProfileSource));
  }
  throw InvalidFields(std::move(violations));
}

json parsed_json(const std::string& field, const std::string& text) {
  if (text.size() > kMaxJsonBytes) {
    throw InvalidField(field,
                       fmt::format("has {} bytes; {} are the most", text.size(), kMaxJsonBytes));
  }
  try {
    return json::parse(text);
  } catch (const json::exception& failure) {
    throw InvalidField(field, one_line(failure.what()));
  }
}

void require_bounded(const std::string& field, const ir::Network& network) {
  if (network.layers.size() <= kMaxLayers) return;
  throw InvalidField(field, fmt::format("the network has {} layers; {} are the most",
                                        network.layers.size(), kMaxLayers));
}

/// What `read` gives; its fault as one of the field.
template <typename Read>
auto read_field(const std::string& field, const Read& read) {
  try {
    return read();
  } catch (const Error& failure) {
    throw InvalidField(field, failure.what());
  }
}

ir::Network read_network(const std::string& field, const std::string& text) {
  const json parsed = parsed_json(field, text);
  ir::Network network = read_field(field, [&] { return ir::network_from_json(parsed); });
  require_bounded(field, network);
  return network;
}

/// What is learned from a record; nothing if the measurement failed, or has instructions only.
std::optional<double> learned_latency(const std::string& field, const json& record) {
  const auto latency = read_field(
      field, [&] { return engine::measured_latency(measurement::measurement_from_json(record)); });
  if (!latency) return std::nullopt;
  if (latency->value < kMinLatencyMs || latency->value > kMaxLatencyMs) {
    throw InvalidField(field, fmt::format("{:g} ms is no latency: it is not between {:g} and {:g}",
                                          latency->value, kMinLatencyMs, kMaxLatencyMs));
  }
  return latency->value;
}

NewMeasurement read_measurement(const std::string& field, const v1::DeviceMeasurement& reported) {
  const ir::Network network = read_network(field + ".network", reported.network());
  const json record = parsed_json(field + ".measurement", reported.measurement());
  return {.network_hash = ir::stable_hash_digits(network),
          .network = ir::to_json(network).dump(),
          .record = record.dump(),
          .latency_ms = learned_latency(field + ".measurement", record)};
}

int checked_extent(const v1::PredictRequest::Candidate& candidate, int i) {
  const int extent = candidate.input_shape(i);
  if (extent >= 1 && extent <= kMaxExtent) return extent;
  throw InvalidField("candidate.input_shape",
                     fmt::format("{} is not between 1 and {}", extent, kMaxExtent));
}

spaces::Task task_of(const v1::PredictRequest::Candidate& candidate) {
  if (candidate.input_shape_size() != 3) {
    throw InvalidField("candidate.input_shape", "give channels, height and width");
  }
  if (candidate.classes() < 1 || candidate.classes() > kMaxClasses) {
    throw InvalidField("candidate.classes",
                       fmt::format("{} is not between 1 and {}", candidate.classes(), kMaxClasses));
  }
  return {
      {checked_extent(candidate, 0), checked_extent(candidate, 1), checked_extent(candidate, 2)},
      candidate.classes()};
}

ir::Network decode(const v1::PredictRequest::Candidate& candidate) {
  const spaces::Task task = task_of(candidate);
  std::unique_ptr<spaces::SearchSpace> space;
  try {
    space = spaces::make_space(Config::parse(candidate.space(), kSpaceSource), task);
  } catch (const Error& failure) {
    throw InvalidFields({violation_of("candidate.space", failure.what(), kSpaceSource)});
  }
  ir::Network network = read_field("candidate.genotype", [&] {
    return space->decode(spaces::genotype_from_string(candidate.genotype()));
  });
  require_bounded("candidate.space", network);
  return network;
}

}  // namespace

DeviceName parse_device_name(const std::string& field, const std::string& name) {
  OwnedName parsed = parse_owned_name(field, name, "devices");
  return {std::move(parsed.tenant), std::move(parsed.id)};
}

NewDevice new_device(const v1::CreateDeviceRequest& request) {
  const v1::Device& asked = request.device();
  require_display_name("device.display_name", asked.display_name());
  require_id("device_id", request.device_id());
  return {.name = {parse_tenant("parent", request.parent()), request.device_id()},
          .display_name = asked.display_name(),
          .profile = asked.profile(),
          .runtimes = checked_runtimes(asked.profile(), request.device_id())};
}

std::vector<NewMeasurement> new_measurements(const v1::ReportMeasurementsRequest& request) {
  const int count = request.measurements_size();
  if (count < 1 || count > kMaxMeasurements) {
    throw InvalidField("measurements",
                       fmt::format("{} are given; 1 to {} can be", count, kMaxMeasurements));
  }
  std::vector<NewMeasurement> measurements;
  for (int i = 0; i < count; ++i) {
    measurements.push_back(
        read_measurement(fmt::format("measurements[{}]", i), request.measurements(i)));
  }
  return measurements;
}

std::string checked_runtime(const std::string& asked, const std::vector<std::string>& known) {
  if (asked.empty() && known.size() == 1) return known.front();
  if (std::ranges::find(known, asked) != known.end()) return asked;
  throw InvalidField("runtime",
                     fmt::format("the device has no runtime {}{} (known: {})", in_quotes(asked),
                                 did_you_mean(asked, known), fmt::join(known, ", ")));
}

ir::Network subject_of(const v1::PredictRequest& request) {
  switch (request.subject_case()) {
    case v1::PredictRequest::kNetwork:
      return read_network("network", request.network());
    case v1::PredictRequest::kCandidate:
      return decode(request.candidate());
    default:
      throw InvalidField("network", "give a network, or a candidate of a space");
  }
}

void require_metrics(const v1::PredictRequest& request, const std::vector<std::string>& known) {
  for (const std::string& metric : request.metrics()) {
    if (std::ranges::find(known, metric) != known.end()) continue;
    throw InvalidField("metrics",
                       fmt::format("the device has no metric {}{} (known: {})", in_quotes(metric),
                                   did_you_mean(metric, known), fmt::join(known, ", ")));
  }
}

std::function<bool(const v1::Device&)> device_filter(const std::string& filter) {
  static const FilterSchema schema{{{"display_name", FilterType::kString},
                                    {"built_in", FilterType::kBoolean},
                                    {"create_time", FilterType::kTimestamp}}};
  return [parsed = Filter::parse(filter, schema)](const v1::Device& device) {
    return parsed.matches([&](const std::string& field) -> FilterValue {
      if (field == "display_name") return device.display_name();
      if (field == "built_in") return device.built_in();
      if (!device.has_create_time()) return {};
      return time_of(device.create_time());
    });
  };
}

}  // namespace hwnas::service
