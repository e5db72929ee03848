#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "estimators/cost_model.hpp"
#include "estimators/device.hpp"
#include "service/device_store.hpp"
#include "service/outcome.hpp"
#include "service/submission.hpp"
#include "service/supervisor.hpp"
#include "service/worker_pool.hpp"

namespace hwnas::service {

/// A device that comes with hwnas.
struct BuiltInDevice {
  std::string text;  ///< of its file
  estimators::DeviceProfile profile;
};

/// All of them, as the other programs find them (engine::config_folders), read once. Immutable.
class BuiltInDevices {
 public:
  /// Throws what a file that cannot be read or checked leads to, with its place.
  BuiltInDevices();

  /// Null: there is none of this name.
  const BuiltInDevice* find(const std::string& name) const;
  /// By name.
  const std::map<std::string, BuiltInDevice>& all() const { return by_name_; }

 private:
  std::map<std::string, BuiltInDevice> by_name_;
};

/// What networks cost on one device and runtime. Immutable, thread-safe.
class DeviceCosts {
 public:
  /// `learned`: of the networks measured on it; may be null.
  DeviceCosts(estimators::DeviceProfile device, const std::string& runtime,
              std::shared_ptr<const estimators::LatencyModel> learned);

  struct Cost {
    std::string metric;
    estimators::Estimate estimate;
  };
  /// By all cost models there are for the device, in their order. Throws what ir::infer_shapes
  /// throws.
  std::vector<Cost> predict(const ir::Network& network) const;
  /// Of predict, in its order.
  std::vector<std::string> metrics() const;
  /// Null: nothing was measured.
  const estimators::LatencyModel* learned() const { return runtime_.latency_model.get(); }

 private:
  estimators::DeviceProfile device_;
  estimators::RuntimeProfile runtime_;
  std::vector<std::unique_ptr<estimators::CostModel>> models_;
};

/// Learns from reported measurements, and remembers what it has learned until there are more.
/// Thread-safe.
class DeviceModels {
 public:
  /// Measured networks that are learned from, the newest ones: the time of a fit rises with the
  /// square of their number.
  static constexpr int kMaxNetworks = 100;

  /// `store` outlives it.
  explicit DeviceModels(const DeviceStore& store, std::size_t max_remembered = 32);

  /// What networks cost by what was reported up to now. `done` is called at once if that is known,
  /// else on a thread of its own that fits one model after the other. Unavailable: too many wait
  /// for theirs.
  void costs(const DeviceRecord& device, const std::string& runtime,
             Callback<std::shared_ptr<const DeviceCosts>> done);
  /// Those who wait for a model, and all who would have to, get Unavailable.
  void close() { closing_ = true; }

 private:
  using Costs = std::shared_ptr<const DeviceCosts>;
  /// Device, runtime and the last measurement that counts at least.
  using Key = std::tuple<std::int64_t, std::string, std::int64_t>;

  Costs remembered(const Key& key);
  void remember(const Key& key, const Costs& costs);
  bool wait(const Key& key, Callback<Costs> done);
  void answer(const Key& key, const Outcome<Costs>& outcome);
  Costs fit(const DeviceRecord& device, const std::string& runtime) const;

  const DeviceStore& store_;
  const std::size_t max_remembered_;
  std::atomic<bool> closing_ = false;
  std::mutex mutex_;
  std::list<std::pair<Key, Costs>> remembered_;  // the last used first
  std::map<Key, std::vector<Callback<Costs>>> waiting_;
  WorkerPool fitting_;  // last: its thread uses all of the above
};

/// All that the daemon knows of devices.
struct Devices {
  explicit Devices(Store& of_daemon) : store(of_daemon), models(store) {}

  /// For a tenant's experiments.
  DeviceProfiles profiles_of(std::string tenant) const;

  // What was reported counts for an experiment if the tenant has a device of the name and with the
  // profile in it; see LearnedDevices.
  bool is_ready(const std::string& tenant, const engine::Experiment& experiment);
  std::optional<LearnedDevice> learned(const std::string& tenant,
                                       const engine::Experiment& experiment);

  const BuiltInDevices built_in;
  DeviceStore store;
  DeviceModels models;
};

}  // namespace hwnas::service
