#include "measurement/measurement.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.hpp"

namespace hwnas::measurement {

namespace {

using Json = nlohmann::json;

constexpr std::array kStatuses = {
    Status::kOk,      Status::kRefused,        Status::kCrashed, Status::kTimedOut,
    Status::kRubbish, Status::kConnectionLost, Status::kDrifted,
};
constexpr std::array kOrigins = {estimators::Origin::kEmulated, estimators::Origin::kMeasured};

template <typename Value>
void put(Json& json, const char* key, const std::optional<Value>& value) {
  if (value) json[key] = *value;
}

void put(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}

/// Reads the fields of a JSON object, each of its type.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {
    if (!json.is_object()) throw invalid_argument("measurement: no JSON object");
  }

  std::string text(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return {};
    if (!value->is_string()) fail(key, "is no text");
    return value->get<std::string>();
  }
  std::optional<double> number(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number() || !std::isfinite(value->get<double>())) fail(key, "is no number");
    return value->get<double>();
  }
  std::optional<double> size(const char* key) const {
    const std::optional<double> value = number(key);
    if (value && *value < 0) fail(key, "is negative");
    return value;
  }
  std::optional<int> integer(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_integer() || value->get<std::int64_t>() < 0 ||
        value->get<std::int64_t>() > std::numeric_limits<int>::max()) {
      fail(key, "is no count");
    }
    return value->get<int>();
  }
  std::optional<bool> flag(const char* key) const {
    const Json* value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) fail(key, "is neither true nor false");
    return value->get<bool>();
  }
  /// One of `values` by its name.
  template <typename Values>
  auto one_of(const char* key, const Values& values) const {
    const std::string name = text(key);
    const auto found =
        std::ranges::find_if(values, [&](const auto value) { return to_string(value) == name; });
    if (found == values.end()) fail(key, fmt::format("is unknown: {}", name));
    return *found;
  }
  std::vector<double> times(const char* key) const {
    std::vector<double> values;
    const Json* list = find(key);
    if (list == nullptr) return values;
    if (!list->is_array()) fail(key, "is no list");
    for (const Json& item : *list) {
      if (!item.is_number() || !std::isfinite(item.get<double>()) || item.get<double>() <= 0) {
        fail(key, "has an item that is no positive number");
      }
      values.push_back(item.get<double>());
    }
    return values;
  }
  Json object(const char* key) const {
    const Json* value = find(key);
    return value == nullptr ? Json::object() : *value;
  }
  [[noreturn]] static void fail(const char* key, const std::string& what) {
    throw invalid_argument("measurement: '{}' {}", key, what);
  }

 private:
  const Json* find(const char* key) const {
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }

  const Json& json_;
};

Json to_json(const Environment& environment) {
  Json json = Json::object();
  put(json, "cpu", environment.cpu);
  put(json, "governor", environment.governor);
  put(json, "pinned_cpu", environment.pinned_cpu);
  put(json, "binary_sha256", environment.binary_sha256);
  put(json, "tool", environment.tool);
  put(json, "temperature_c", environment.temperature_c);
  put(json, "throttled", environment.throttled);
  return json;
}

Environment environment_from(const Json& json) {
  const Fields fields(json);
  return {.cpu = fields.text("cpu"),
          .governor = fields.text("governor"),
          .pinned_cpu = fields.integer("pinned_cpu"),
          .binary_sha256 = fields.text("binary_sha256"),
          .tool = fields.text("tool"),
          .temperature_c = fields.number("temperature_c"),
          .throttled = fields.flag("throttled")};
}

void put_latency(Json& json, const estimators::LatencyMeasurement& latency) {
  if (latency.runs == 0) return;
  json["median_ms"] = latency.median_ms;
  json["mad_ms"] = latency.mad_ms;
  json["runs"] = latency.runs;
  json["outliers"] = latency.outliers;
  if (std::isfinite(latency.relative_interval)) {
    json["relative_interval"] = latency.relative_interval;
  }
  json["runs_ms"] = latency.runs_ms;
}

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kRefused:
      return "refused";
    case Status::kCrashed:
      return "crashed";
    case Status::kTimedOut:
      return "timed_out";
    case Status::kRubbish:
      return "rubbish";
    case Status::kConnectionLost:
      return "connection_lost";
    case Status::kDrifted:
      return "drifted";
  }
  return "rubbish";
}

double Measurement::value() const {
  return latency.runs > 0 ? latency.median_ms : instructions.value_or(0);
}

nlohmann::json to_json(const Measurement& measurement) {
  Json json = {{"network", measurement.network},
               {"runner", measurement.runner},
               {"status", to_string(measurement.status)},
               {"origin", to_string(measurement.origin)}};
  put(json, "network_hash", measurement.network_hash);
  put(json, "artifact_sha256", measurement.artifact_sha256);
  put(json, "reason", measurement.reason);
  put_latency(json, measurement.latency);
  if (measurement.latency.runs > 0) {
    json["warm_up_runs"] = measurement.warm_up_runs;
    json["inferences_a_run"] = measurement.inferences_a_run;
  }
  put(json, "instructions", measurement.instructions);
  put(json, "estimated_latency_ms", measurement.estimated_latency_ms);
  put(json, "flash_bytes", measurement.flash_bytes);
  put(json, "ram_bytes", measurement.ram_bytes);
  put(json, "stack_bytes", measurement.stack_bytes);
  put(json, "reference_drift", measurement.reference_drift);
  json["environment"] = to_json(measurement.environment);
  return json;
}

Measurement measurement_from_json(const nlohmann::json& json) {
  const Fields fields(json);
  Measurement result{.network = fields.text("network"),
                     .network_hash = fields.text("network_hash"),
                     .artifact_sha256 = fields.text("artifact_sha256"),
                     .runner = fields.text("runner"),
                     .status = fields.one_of("status", kStatuses),
                     .reason = fields.text("reason"),
                     .origin = fields.one_of("origin", kOrigins),
                     .warm_up_runs = fields.integer("warm_up_runs").value_or(0),
                     .inferences_a_run = fields.integer("inferences_a_run").value_or(1),
                     .latency = {},
                     .instructions = fields.size("instructions"),
                     .estimated_latency_ms = fields.size("estimated_latency_ms"),
                     .flash_bytes = fields.size("flash_bytes"),
                     .ram_bytes = fields.size("ram_bytes"),
                     .stack_bytes = fields.size("stack_bytes"),
                     .reference_drift = fields.number("reference_drift"),
                     .environment = environment_from(fields.object("environment"))};
  // What is said of the runs follows from them, so that it cannot contradict them.
  if (std::vector<double> runs = fields.times("runs_ms"); !runs.empty()) {
    result.latency = estimators::summarize(std::move(runs));
  }
  if (result.ok() && !(result.value() > 0)) {
    throw invalid_argument("measurement: 'status' is ok, but there are no numbers");
  }
  return result;
}

}  // namespace hwnas::measurement
