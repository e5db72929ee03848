#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "service/outcome.hpp"
#include "service/requests.hpp"
#include "service/store.hpp"

namespace hwnas::service {

/// For schema.cpp. Times as there; `measurements` counts the device's rows of device_measurement,
/// `bytes` are of their texts and of the profile, and latency_ms is NULL where a record has none.
inline constexpr const char* kDeviceTables = R"sql(
CREATE TABLE device (
  uid           INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant        TEXT NOT NULL,
  id            TEXT NOT NULL,
  display_name  TEXT NOT NULL,
  create_time   INTEGER NOT NULL,
  runtimes      TEXT NOT NULL,
  measurements  INTEGER NOT NULL DEFAULT 0,
  bytes         INTEGER NOT NULL,
  profile       TEXT NOT NULL,
  UNIQUE (tenant, id)
);
CREATE TABLE device_measurement (
  sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
  device        INTEGER NOT NULL,
  runtime       TEXT NOT NULL,
  network_hash  TEXT NOT NULL,
  latency_ms    REAL,
  time          INTEGER NOT NULL,
  network       TEXT NOT NULL,
  record        TEXT NOT NULL
);
CREATE INDEX device_measurement_by_network
  ON device_measurement (device, runtime, network_hash, sequence);
)sql";

struct DeviceName {
  std::string tenant;
  std::string id;

  bool operator==(const DeviceName&) const = default;
  std::string text() const;  ///< "tenants/acme/devices/my_board"
};

/// A tenant's device as the store has it.
struct DeviceRecord {
  std::int64_t uid = 0;  ///< never given again in this store
  DeviceName name;
  std::string display_name;
  std::string profile;  ///< YAML; never changes
  std::vector<std::string> runtimes;
  Time create_time;
  std::int64_t measurements = 0;  ///< of all runtimes

  bool operator==(const DeviceRecord&) const = default;
  /// Differs for any two states of any two devices of a store.
  std::string etag() const;
};

struct NewDevice {
  DeviceName name;
  std::string display_name;
  std::string profile;
  std::vector<std::string> runtimes;
};

/// A record of what one network did on a device.
struct NewMeasurement {
  std::string network_hash;          ///< ir::stable_hash_digits
  std::string network;               ///< JSON
  std::string record;                ///< JSON, of measurement::Measurement
  std::optional<double> latency_ms;  ///< what is learned from it, if anything
};

/// A network with its newest measured latency.
struct ReportedLatency {
  std::string network;  ///< JSON
  double latency_ms = 0;
};

/// The tenants' devices and what was measured on them. Thread-safe; errors beside those that each
/// call names: see Store. The records that callbacks get have no profile: it never changes.
class DeviceStore {
 public:
  struct Limits {
    int devices_of_tenant = 1000;
    int measurements_of_device = 10'000;
    std::int64_t bytes_of_tenant = std::int64_t{256} << 20;  ///< profiles and measurements
  };

  /// `store` outlives it.
  explicit DeviceStore(Store& store) : DeviceStore(store, Limits{}) {}
  DeviceStore(Store& store, Limits limits) : store_(store), limits_(limits) {}
  /// Closes the store.
  ~DeviceStore() { store_.close(); }
  DeviceStore(const DeviceStore&) = delete;
  DeviceStore& operator=(const DeviceStore&) = delete;

  /// AlreadyExists; ResourceExhausted over the limits.
  void create(NewDevice device, RequestKey request, Callback<DeviceRecord> done);
  /// Removes a device with its measurements and gives it as it was last. NotFound; StaleEtag (an
  /// empty etag fits always).
  void remove(DeviceName name, std::string etag, RequestKey request, Callback<DeviceRecord> done);
  /// All records or none. NotFound; InvalidArgument if the device has no such runtime;
  /// ResourceExhausted over the limits.
  void report(DeviceName name, std::string runtime, std::vector<NewMeasurement> measurements,
              RequestKey request, Callback<DeviceRecord> done);

  /// Nothing: the tenant has none of this name.
  std::optional<DeviceRecord> find(const DeviceName& name) const;
  /// Of a tenant, the newest first: by (create_time, id), falling. Profiles left out.
  std::vector<DeviceRecord> list(const std::string& tenant) const;
  /// Rises with every report of a device and runtime; 0: there is none.
  std::int64_t last_measurement(std::int64_t device, const std::string& runtime) const;
  /// The networks with a measured latency, those measured last first, at most `limit`.
  std::vector<ReportedLatency> latencies(std::int64_t device, const std::string& runtime,
                                         int limit) const;

 private:
  void require_room(engine::Database& database, const std::string& tenant, std::size_t bytes) const;
  void change(RecordedRequest request, std::size_t bytes,
              std::function<DeviceRecord(engine::Database&)> change, Callback<DeviceRecord> done);

  Store& store_;
  const Limits limits_;
};

}  // namespace hwnas::service
