#include "service/device_models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "engine/config_files.hpp"
#include "estimators/firmware_bytes.hpp"
#include "estimators/latency_model.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kMaxWaitingFits = 64;

/// The networks, in the order in which they were measured, with what the profile says of them.
std::vector<estimators::MeasuredNetwork> measured_networks(
    const std::vector<ReportedLatency>& newest_first, const estimators::CostModel& rates) {
  std::vector<estimators::MeasuredNetwork> networks;
  for (auto each = newest_first.rbegin(); each != newest_first.rend(); ++each) {
    ir::Network network = ir::network_from_json(nlohmann::json::parse(each->network));
    estimators::Estimate profile = rates.predict(network);
    if (!(profile.value > 0)) continue;  // nothing that a measurement could be compared with
    networks.push_back({std::move(network), std::move(profile), each->latency_ms});
  }
  return networks;
}

/// The tenant's device that the experiment is for, if something was measured on it.
std::optional<DeviceRecord> measured_device(const DeviceStore& store, const std::string& tenant,
                                            const engine::Experiment& experiment) {
  auto device = store.find({tenant, experiment.device.name});
  if (!device || store.last_measurement(device->uid, experiment.runtime) == 0) return std::nullopt;
  const Config& profile = experiment.config.at("device").at("profile");
  const Config current = Config::parse(device->profile, device->name.text());
  if (profile.to_yaml() != current.to_yaml()) return std::nullopt;
  return device;
}

}  // namespace

BuiltInDevices::BuiltInDevices() {
  for (const std::string& name : engine::device_names(kNoFolder)) {
    const auto file = engine::device_file(name, kNoFolder);
    by_name_.emplace(
        name, BuiltInDevice{read_file(file, Config::kMaxTextBytes), estimators::load_device(file)});
  }
}

const BuiltInDevice* BuiltInDevices::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second;
}

DeviceCosts::DeviceCosts(estimators::DeviceProfile device, const std::string& runtime,
                         std::shared_ptr<const estimators::LatencyModel> learned)
    : device_(std::move(device)), runtime_(device_.runtime(runtime)) {
  if (learned) runtime_.latency_model = std::move(learned);
  for (const estimators::CostModelInfo& info : estimators::cost_models()) {
    models_.push_back(info.make(device_, runtime_));
  }
}

std::vector<DeviceCosts::Cost> DeviceCosts::predict(const ir::Network& network) const {
  std::vector<Cost> costs;
  for (const auto& model : models_) {
    costs.push_back({std::string(model->metric()), model->predict(network)});
  }
  if (auto firmware = estimators::firmware_bytes(network, runtime_)) {
    costs.push_back({"firmware_bytes", std::move(*firmware)});
  }
  return costs;
}

std::vector<std::string> DeviceCosts::metrics() const {
  std::vector<std::string> metrics;
  for (const auto& model : models_) metrics.emplace_back(model->metric());
  if (runtime_.code) metrics.emplace_back("firmware_bytes");
  return metrics;
}

DeviceModels::DeviceModels(const DeviceStore& store, std::size_t max_remembered)
    : store_(store), max_remembered_(max_remembered), fitting_(1, kMaxWaitingFits) {}

void DeviceModels::costs(const DeviceRecord& device, const std::string& runtime,
                         Callback<Costs> done) {
  const Key key{device.uid, runtime, store_.last_measurement(device.uid, runtime)};
  if (const Costs known = remembered(key)) return done(known);
  if (!wait(key, std::move(done))) return;
  try {
    fitting_.submit([this, key, device, runtime] {
      try {
        if (closing_) {
          throw error(ErrorCode::kUnavailable, "the daemon is ending; try again when it is back");
        }
        const Costs costs = fit(device, runtime);
        remember(key, costs);
        answer(key, costs);
      } catch (const std::exception&) {
        answer(key, std::current_exception());
      }
    });
  } catch (const Error&) {
    answer(key, std::current_exception());
  }
}

DeviceModels::Costs DeviceModels::remembered(const Key& key) {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::ranges::find(remembered_, key, [](const auto& entry) { return entry.first; });
  if (found == remembered_.end()) return nullptr;
  remembered_.splice(remembered_.begin(), remembered_, found);
  return found->second;
}

void DeviceModels::remember(const Key& key, const Costs& costs) {
  const std::lock_guard lock(mutex_);
  remembered_.emplace_front(key, costs);
  if (remembered_.size() > max_remembered_) remembered_.pop_back();
}

/// True for the first who waits.
bool DeviceModels::wait(const Key& key, Callback<Costs> done) {
  const std::lock_guard lock(mutex_);
  auto& waiting = waiting_[key];
  waiting.push_back(std::move(done));
  return waiting.size() == 1;
}

void DeviceModels::answer(const Key& key, const Outcome<Costs>& outcome) {
  std::vector<Callback<Costs>> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = std::move(waiting_.extract(key).mapped());
  }
  for (const auto& done : waiting) done(outcome);
}

DeviceModels::Costs DeviceModels::fit(const DeviceRecord& device,
                                      const std::string& runtime) const {
  estimators::DeviceProfile profile =
      estimators::device_from_config(Config::parse(device.profile, device.name.text()));
  const auto rates = estimators::make_cost_model("latency_ms", profile, profile.runtime(runtime));
  const double relative_sd = profile.runtime(runtime).latency_relative_sd.value;
  const auto networks =
      measured_networks(store_.latencies(device.uid, runtime, kMaxNetworks), *rates);
  std::shared_ptr<const estimators::LatencyModel> learned;
  if (!networks.empty()) {
    learned = std::make_shared<estimators::LatencyModel>(
        estimators::fit_latency_model(networks, {}, relative_sd));
  }
  return std::make_shared<DeviceCosts>(std::move(profile), runtime, std::move(learned));
}

DeviceProfiles Devices::profiles_of(std::string tenant) const {
  return [this, tenant = std::move(tenant)](const std::string& name) -> std::optional<std::string> {
    auto device = store.find({tenant, name});
    if (!device) return std::nullopt;
    return std::move(device->profile);
  };
}

bool Devices::is_ready(const std::string& tenant, const engine::Experiment& experiment) {
  const auto device = measured_device(store, tenant, experiment);
  if (!device) return true;
  const auto ready = std::make_shared<std::atomic<bool>>(false);
  models.costs(*device, experiment.runtime, [ready](const auto&) { *ready = true; });
  return *ready;
}

std::optional<LearnedDevice> Devices::learned(const std::string& tenant,
                                              const engine::Experiment& experiment) {
  const auto device = measured_device(store, tenant, experiment);
  if (!device) return std::nullopt;
  const auto costs = await<std::shared_ptr<const DeviceCosts>>(
      [&](auto done) { models.costs(*device, experiment.runtime, std::move(done)); });
  if (costs->learned() == nullptr) return std::nullopt;
  return LearnedDevice{costs->learned()->to_text(),
                       fmt::format("hwnasd: measurements of {} networks reported on {}",
                                   costs->learned()->quality().networks, device->name.text())};
}

}  // namespace hwnas::service
