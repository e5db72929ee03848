#include "service/device_store.hpp"

#include <gmock/gmock.h>

#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

NewDevice new_device(const std::string& id, const std::string& tenant = "acme") {
  return {.name = {tenant, id},
          .display_name = "the board",
          .profile = "name: " + id + "\n",
          .runtimes = {"tflite_micro", "stm32cubeai"}};
}

NewMeasurement measured(const std::string& network, std::optional<double> latency_ms) {
  return {.network_hash = network,
          .network = "{\"" + network + "\": 1}",
          .record = "{}",
          .latency_ms = latency_ms};
}

DeviceRecord create(DeviceStore& store, const NewDevice& device, const RequestKey& request = {}) {
  return await<DeviceRecord>([&](auto done) { store.create(device, request, done); });
}

DeviceRecord remove(DeviceStore& store, const std::string& id, const std::string& etag = {},
                    const RequestKey& request = {}) {
  return await<DeviceRecord>([&](auto done) { store.remove({"acme", id}, etag, request, done); });
}

DeviceRecord report(DeviceStore& store, const std::string& id, const std::string& runtime,
                    const std::vector<NewMeasurement>& measurements,
                    const RequestKey& request = {}) {
  return await<DeviceRecord>([&](auto done) {
    store.report({"acme", id}, runtime, measurements, request, done);
  });
}

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& failure) {
    return failure.code();
  }
  throw std::logic_error("no error");
}

class DeviceStoreTest : public testing::Test {
 protected:
  const TemporaryFolder folder_;
};

TEST_F(DeviceStoreTest, GivesBackWhatWasStoredAfterARestart) {
  DeviceRecord created;
  {
    Store store(folder_.path());
    DeviceStore devices(store);
    created = create(devices, new_device("my_board"));
    created = report(devices, "my_board", "tflite_micro", {measured("a", 1.5)});
  }
  Store store(folder_.path());
  const DeviceStore devices(store);
  created.profile = "name: my_board\n";
  EXPECT_EQ(devices.find({"acme", "my_board"}), created);
  EXPECT_EQ(devices.find({"bolt", "my_board"}), std::nullopt);
  EXPECT_EQ(created.measurements, 1);
}

TEST_F(DeviceStoreTest, ListsTheNewestFirstWithoutProfiles) {
  Time now{};
  Store store(folder_.path(), {.clock = [&] { return now += std::chrono::seconds(1); }});
  DeviceStore devices(store);
  for (const char* id : {"b", "a", "c"}) create(devices, new_device(id));
  create(devices, new_device("d", "bolt"));
  std::vector<std::string> ids;
  for (const DeviceRecord& device : devices.list("acme")) {
    ids.push_back(device.name.id);
    EXPECT_EQ(device.profile, "");
  }
  EXPECT_THAT(ids, ElementsAre("c", "a", "b"));
}

TEST_F(DeviceStoreTest, OfANetworkMeasuredAgainTheNewestLatencyCounts) {
  Store store(folder_.path());
  DeviceStore devices(store);
  const auto uid = create(devices, new_device("my_board")).uid;
  report(devices, "my_board", "tflite_micro", {measured("a", 1), measured("b", 2)});
  report(devices, "my_board", "stm32cubeai", {measured("a", 9)});
  const auto before = devices.last_measurement(uid, "tflite_micro");
  report(devices, "my_board", "tflite_micro", {measured("a", 3), measured("c", std::nullopt)});
  EXPECT_GT(devices.last_measurement(uid, "tflite_micro"), before);
  EXPECT_THAT(
      devices.latencies(uid, "tflite_micro", 10),
      ElementsAre(Field(&ReportedLatency::latency_ms, 3), Field(&ReportedLatency::latency_ms, 2)));
  EXPECT_THAT(devices.latencies(uid, "tflite_micro", 1),
              ElementsAre(Field(&ReportedLatency::network, "{\"a\": 1}")));
  EXPECT_EQ(devices.last_measurement(uid, "none"), 0);
}

TEST_F(DeviceStoreTest, AnswersARepeatedRequestAsTheFirstTimeAndDoesNothing) {
  Store store(folder_.path());
  DeviceStore devices(store);
  const auto created = create(devices, new_device("a"), {"1", "print"});
  EXPECT_EQ(create(devices, new_device("a"), {"1", "print"}), created);
  const auto reported = report(devices, "a", "tflite_micro", {measured("n", 1)}, {"2", "print"});
  EXPECT_EQ(report(devices, "a", "tflite_micro", {measured("n", 1)}, {"2", "print"}), reported);
  EXPECT_EQ(devices.find({"acme", "a"})->measurements, 1);
  const auto removed = remove(devices, "a", {}, {"3", "print"});
  EXPECT_EQ(remove(devices, "a", {}, {"3", "print"}), removed);
}

TEST_F(DeviceStoreTest, DeletesADeviceWithItsMeasurementsAndNeverGivesItsUidAgain) {
  Store store(folder_.path());
  DeviceStore devices(store);
  const DeviceRecord created = create(devices, new_device("a"));
  report(devices, "a", "tflite_micro", {measured("n", 1)});
  EXPECT_THROW(remove(devices, "a", created.etag()), StaleEtag);
  remove(devices, "a", devices.find({"acme", "a"})->etag());
  EXPECT_EQ(code_of([&] { remove(devices, "a"); }), ErrorCode::kNotFound);
  EXPECT_GT(create(devices, new_device("a")).uid, created.uid);
  EXPECT_THAT(devices.latencies(created.uid, "tflite_micro", 10), IsEmpty());
}

TEST_F(DeviceStoreTest, RefusesWhatIsTakenUnknownOrTooMuchAndChangesNothing) {
  Store store(folder_.path());
  DeviceStore devices(store, {.devices_of_tenant = 2, .measurements_of_device = 3});
  create(devices, new_device("a"));
  EXPECT_EQ(code_of([&] { create(devices, new_device("a")); }), ErrorCode::kAlreadyExists);
  create(devices, new_device("b"));
  EXPECT_EQ(code_of([&] { create(devices, new_device("c")); }), ErrorCode::kResourceExhausted);
  create(devices, new_device("c", "bolt"));
  const std::vector<NewMeasurement> two{measured("n", 1), measured("m", 2)};
  report(devices, "a", "tflite_micro", two);
  EXPECT_EQ(code_of([&] { report(devices, "a", "tflite_micro", two); }),
            ErrorCode::kResourceExhausted);
  EXPECT_EQ(code_of([&] { report(devices, "a", "tvm", {measured("n", 1)}); }),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(code_of([&] { report(devices, "x", "tflite_micro", two); }), ErrorCode::kNotFound);
  EXPECT_EQ(devices.find({"acme", "a"})->measurements, 2);
}

TEST_F(DeviceStoreTest, ATenantsTextsMayHaveSoManyBytes) {
  Store store(folder_.path());
  DeviceStore devices(store, {.bytes_of_tenant = 100});
  NewDevice large = new_device("large");
  large.profile.resize(80, '#');
  create(devices, large);
  NewMeasurement measurement = measured("n", 1);
  measurement.record.resize(21, ' ');
  EXPECT_EQ(code_of([&] { report(devices, "large", "tflite_micro", {measurement}); }),
            ErrorCode::kResourceExhausted);
  large.name.id = "another";
  EXPECT_EQ(code_of([&] { create(devices, large); }), ErrorCode::kResourceExhausted);
  large.name.tenant = "bolt";
  create(devices, large);
  remove(devices, "large");
  create(devices, new_device("small"));
}

}  // namespace
}  // namespace hwnas::service
