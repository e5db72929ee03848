#include "service/device_store.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "service/job_rows.hpp"

namespace hwnas::service {
namespace {

using engine::Database;
using engine::Statement;
using nlohmann::json;

// In the order of read_device; the profile comes last, or an empty text for it.
constexpr const char* kColumns =
    "uid, tenant, id, display_name, create_time, runtimes, measurements";

DeviceRecord read_device(const Statement& row) {
  return {.uid = row.integer(0),
          .name = {row.text(1), row.text(2)},
          .display_name = row.text(3),
          .profile = row.text(7),
          .runtimes = json::parse(row.text(5)).get<std::vector<std::string>>(),
          .create_time = to_time(row.integer(4)),
          .measurements = row.integer(6)};
}

std::optional<DeviceRecord> find_device(Database& database, const DeviceName& name,
                                        const char* profile) {
  Statement row = database.query(
      fmt::format("SELECT {}, {} FROM device WHERE tenant = ?1 AND id = ?2", kColumns, profile),
      name.tenant, name.id);
  if (!row.next()) return std::nullopt;
  return read_device(row);
}

/// Throws Refusal (NotFound).
DeviceRecord existing_device(Database& database, const DeviceName& name) {
  auto device = find_device(database, name, "''");
  if (!device) throw Refusal(ErrorCode::kNotFound, name.text() + ": no such device");
  return std::move(*device);
}

std::string to_json(const DeviceRecord& device) {
  return json{{"uid", device.uid},
              {"tenant", device.name.tenant},
              {"id", device.name.id},
              {"display_name", device.display_name},
              {"runtimes", device.runtimes},
              {"create_time", to_integer(device.create_time)},
              {"measurements", device.measurements}}
      .dump();
}

DeviceRecord device_from_json(const std::string& text) try {
  const json object = json::parse(text);
  return {.uid = object.at("uid"),
          .name = {object.at("tenant"), object.at("id")},
          .display_name = object.at("display_name"),
          .profile = {},
          .runtimes = object.at("runtimes"),
          .create_time = to_time(object.at("create_time")),
          .measurements = object.at("measurements")};
} catch (const json::exception& failure) {
  throw error(ErrorCode::kInternal, "the store has a device that cannot be read: {}",
              failure.what());
}

std::int64_t count_devices(Database& database, const std::string& tenant) {
  Statement row = database.query("SELECT count(*) FROM device WHERE tenant = ?1", tenant);
  row.next();
  return row.integer(0);
}

void insert_measurement(Database& database, std::int64_t device, const std::string& runtime,
                        const NewMeasurement& measurement, Time now) {
  database.run(
      "INSERT INTO device_measurement"
      " (device, runtime, network_hash, latency_ms, time, network, record)"
      " VALUES (?1, ?2, ?3, nullif(?4, 0.0), ?5, ?6, ?7)",
      device, runtime, measurement.network_hash, measurement.latency_ms.value_or(0),
      to_integer(now), measurement.network, measurement.record);
}

}  // namespace

std::string DeviceName::text() const {
  return fmt::format("tenants/{}/devices/{}", tenant, id);
}

std::string DeviceRecord::etag() const {
  return fmt::format("\"{:x}.{:x}\"", uid, measurements);
}

void DeviceStore::create(NewDevice device, RequestKey request, Callback<DeviceRecord> done) {
  const RecordedRequest key{device.name.tenant, request.id, "create_device", request.fingerprint};
  const std::size_t bytes = device.profile.size();
  auto insert = [this, device = std::move(device), bytes](Database& database) {
    if (find_device(database, device.name, "''")) {
      throw Refusal(ErrorCode::kAlreadyExists,
                    device.name.text() + ": exists already; take another id");
    }
    if (count_devices(database, device.name.tenant) >= limits_.devices_of_tenant) {
      throw Refusal(ErrorCode::kResourceExhausted,
                    fmt::format("tenants/{}: has {} devices, as many as it may; delete one",
                                device.name.tenant, limits_.devices_of_tenant));
    }
    require_room(database, device.name.tenant, bytes);
    DeviceRecord record{.uid = 0,
                        .name = device.name,
                        .display_name = device.display_name,
                        .profile = {},
                        .runtimes = device.runtimes,
                        .create_time = store_.now(),
                        .measurements = 0};
    Statement inserted = database.query(
        "INSERT INTO device (tenant, id, display_name, create_time, runtimes, bytes, profile)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING uid",
        device.name.tenant, device.name.id, device.display_name, to_integer(record.create_time),
        json(device.runtimes).dump(), bytes, device.profile);
    inserted.next();
    record.uid = inserted.integer(0);
    return record;
  };
  change(key, bytes, std::move(insert), std::move(done));
}

void DeviceStore::remove(DeviceName name, std::string etag, RequestKey request,
                         Callback<DeviceRecord> done) {
  const RecordedRequest key{name.tenant, request.id, "remove_device", request.fingerprint};
  auto removed = [name = std::move(name), etag = std::move(etag)](Database& database) {
    DeviceRecord device = existing_device(database, name);
    require_etag(name.text(), etag, device.etag());
    database.run("DELETE FROM device_measurement WHERE device = ?1", device.uid);
    database.run("DELETE FROM device WHERE uid = ?1", device.uid);
    return device;
  };
  change(key, 0, std::move(removed), std::move(done));
}

void DeviceStore::report(DeviceName name, std::string runtime,
                         std::vector<NewMeasurement> measurements, RequestKey request,
                         Callback<DeviceRecord> done) {
  const RecordedRequest key{name.tenant, request.id, "report_measurements", request.fingerprint};
  std::size_t bytes = 0;
  for (const NewMeasurement& each : measurements) bytes += each.network.size() + each.record.size();
  auto reported = [this, name = std::move(name), runtime = std::move(runtime),
                   measurements = std::move(measurements), bytes](Database& database) {
    DeviceRecord device = existing_device(database, name);
    if (std::ranges::find(device.runtimes, runtime) == device.runtimes.end()) {
      throw Refusal(ErrorCode::kInvalidArgument,
                    fmt::format("{}: has no runtime '{}' (known: {})", name.text(), runtime,
                                fmt::join(device.runtimes, ", ")));
    }
    device.measurements += static_cast<std::int64_t>(measurements.size());
    if (device.measurements > limits_.measurements_of_device) {
      throw Refusal(ErrorCode::kResourceExhausted,
                    fmt::format("{}: would have {} measurements and {} are the most; report fewer, "
                                "or begin a new device",
                                name.text(), device.measurements, limits_.measurements_of_device));
    }
    require_room(database, name.tenant, bytes);
    for (const NewMeasurement& each : measurements) {
      insert_measurement(database, device.uid, runtime, each, store_.now());
    }
    database.run("UPDATE device SET measurements = ?2, bytes = bytes + ?3 WHERE uid = ?1",
                 device.uid, device.measurements, bytes);
    return device;
  };
  change(key, bytes, std::move(reported), std::move(done));
}

std::optional<DeviceRecord> DeviceStore::find(const DeviceName& name) const {
  return find_device(*Store::Lease(store_), name, "profile");
}

std::vector<DeviceRecord> DeviceStore::list(const std::string& tenant) const {
  const Store::Lease database(store_);
  Statement rows = database->query(
      fmt::format("SELECT {}, '' FROM device WHERE tenant = ?1 ORDER BY create_time DESC, id DESC",
                  kColumns),
      tenant);
  std::vector<DeviceRecord> devices;
  while (rows.next()) devices.push_back(read_device(rows));
  return devices;
}

std::int64_t DeviceStore::last_measurement(std::int64_t device, const std::string& runtime) const {
  const Store::Lease database(store_);
  Statement row = database->query(
      "SELECT coalesce(max(sequence), 0) FROM device_measurement WHERE device = ?1 AND runtime = "
      "?2",
      device, runtime);
  row.next();
  return row.integer(0);
}

std::vector<ReportedLatency> DeviceStore::latencies(std::int64_t device, const std::string& runtime,
                                                    int limit) const {
  const Store::Lease database(store_);
  Statement rows = database->query(
      "SELECT network, latency_ms FROM device_measurement WHERE sequence IN"
      " (SELECT max(sequence) FROM device_measurement"
      "  WHERE device = ?1 AND runtime = ?2 AND latency_ms IS NOT NULL GROUP BY network_hash)"
      " ORDER BY sequence DESC LIMIT ?3",
      device, runtime, limit);
  std::vector<ReportedLatency> networks;
  while (rows.next()) networks.push_back({rows.text(0), rows.real(1)});
  return networks;
}

void DeviceStore::require_room(Database& database, const std::string& tenant,
                               std::size_t bytes) const {
  Statement row =
      database.query("SELECT coalesce(sum(bytes), 0) FROM device WHERE tenant = ?1", tenant);
  row.next();
  const std::int64_t all = row.integer(0) + static_cast<std::int64_t>(bytes);
  if (all <= limits_.bytes_of_tenant) return;
  throw Refusal(ErrorCode::kResourceExhausted,
                fmt::format("tenants/{}: devices and measurements would have {} bytes and {} are "
                            "the most; delete a device",
                            tenant, all, limits_.bytes_of_tenant));
}

void DeviceStore::change(RecordedRequest request, std::size_t bytes,
                         std::function<DeviceRecord(Database&)> change,
                         Callback<DeviceRecord> done) {
  store_.change<DeviceRecord>(std::move(request), bytes, std::move(change),
                              {to_json, device_from_json}, std::move(done));
}

}  // namespace hwnas::service
