// DeviceService of a running hwnasd, from outside.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "core/file.hpp"
#include "engine/store.hpp"
#include "estimators/device.hpp"
#include "estimators/latency_model.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "hwnas/v1/device_service.grpc.pb.h"
#include "service/supervisor.hpp"
#include "spaces/search_space.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using grpc::StatusCode;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kConfigs = HWNAS_SOURCE_DIR "/configs";
constexpr const char* kBoard = "tenants/acme/devices/my_board";
constexpr const char* kRuntime = "tflite_micro";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

/// The profile of a device that comes with hwnas, under another name.
std::string profile_of(const std::string& name = "my_board") {
  const std::string text =
      read_file(std::string(kConfigs) + "/devices/stm32f746.yaml", std::uintmax_t{1} << 20);
  return replaced(text, "name: stm32f746", "name: " + name);
}

std::unique_ptr<spaces::SearchSpace> sample_space() {
  return spaces::make_space(Config::load(std::string(kConfigs) + "/spaces/mobile_mcu.yaml"),
                            {{1, 28, 28}, 10});
}

std::vector<ir::Network> sample_networks(int count, std::uint64_t seed) {
  const auto space = sample_space();
  Rng rng(seed);
  std::vector<ir::Network> networks;
  for (int i = 0; i < count; ++i) networks.push_back(space->decode(spaces::sample(*space, rng)));
  return networks;
}

/// A device that is no board: what another board's rates say of each kind of kernel.
double emulated_ms(const ir::Network& network) {
  static const auto device =
      estimators::load_device(std::string(kConfigs) + "/devices/rp2040.yaml");
  static const auto model =
      estimators::make_cost_model("latency_ms", device, device.runtime(kRuntime));
  return model->predict(network).value;
}

std::string record_of(double latency_ms) {
  return json{{"network", "n"},       {"runner", "command"},     {"status", "ok"},
              {"origin", "emulated"}, {"runs_ms", {latency_ms}}, {"environment", json::object()}}
      .dump();
}

v1::ReportMeasurementsRequest report_of(const std::vector<ir::Network>& networks) {
  v1::ReportMeasurementsRequest request;
  request.set_name(kBoard);
  request.set_runtime(kRuntime);
  for (const ir::Network& network : networks) {
    v1::DeviceMeasurement& measurement = *request.add_measurements();
    measurement.set_network(ir::to_json(network).dump());
    measurement.set_measurement(record_of(emulated_ms(network)));
  }
  return request;
}

google::rpc::BadRequest violations_of(const grpc::Status& status) {
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << status.error_message();
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::BadRequest request;
  for (const auto& any : details.details()) any.UnpackTo(&request);
  return request;
}

/// What `hwnas predict --json` says of a network.
json predicted_by_program(const TemporaryFolder& folder, const ir::Network& network,
                          const std::string& device) {
  const auto file = folder.write("network.json", ir::to_json(network).dump());
  const std::string command = fmt::format("{} predict --json --network {} --device {} --runtime {}",
                                          HWNAS_PROGRAM, file.string(), device, kRuntime);
  std::FILE* const output = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer;
  for (std::size_t read = 0; (read = fread(buffer.data(), 1, buffer.size(), output)) > 0;) {
    text.append(buffer.data(), read);
  }
  EXPECT_EQ(pclose(output), 0) << command;
  return json::parse(text);
}

class DeviceServiceTest : public testing::Test {
 protected:
  explicit DeviceServiceTest(const std::vector<std::string>& options = {})
      : daemon_(data_, with_datasets(options)), jobs_(connect(data_)) {
    channel_ = grpc::CreateChannel("unix:" + (data_ / "hwnasd.sock").string(),
                                   grpc::InsecureChannelCredentials());
    stub_ = v1::DeviceService::NewStub(channel_);
  }

  std::vector<std::string> with_datasets(std::vector<std::string> options) const {
    options.insert(options.end(), {"--datasets", sample_.datasets.string()});
    return options;
  }
  template <typename Request, typename Response>
  grpc::Status call(grpc::Status (v1::DeviceService::Stub::*method)(grpc::ClientContext*,
                                                                    const Request&, Response*),
                    const Request& request, Response* response,
                    const std::string& token = "") const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    return (stub_.get()->*method)(&context, request, response);
  }
  grpc::Status create(const std::string& profile, const std::string& id = "my_board",
                      v1::Device* device = nullptr) const {
    v1::CreateDeviceRequest request;
    request.set_parent("tenants/acme");
    request.set_device_id(id);
    request.mutable_device()->set_display_name("on my desk");
    request.mutable_device()->set_profile(profile);
    v1::Device created;
    const auto status = call(&v1::DeviceService::Stub::CreateDevice, request, &created);
    if (device != nullptr) *device = created;
    return status;
  }
  v1::Device get(const std::string& name) const {
    v1::GetDeviceRequest request;
    request.set_name(name);
    v1::Device device;
    const auto status = call(&v1::DeviceService::Stub::GetDevice, request, &device);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return device;
  }
  grpc::Status remove(const std::string& name, const std::string& etag = "") const {
    v1::DeleteDeviceRequest request;
    request.set_name(name);
    request.set_etag(etag);
    google::protobuf::Empty nothing;
    return call(&v1::DeviceService::Stub::DeleteDevice, request, &nothing);
  }
  grpc::Status report(const v1::ReportMeasurementsRequest& request) const {
    v1::ReportMeasurementsResponse response;
    return call(&v1::DeviceService::Stub::ReportMeasurements, request, &response);
  }
  v1::PredictResponse predict(const ir::Network& network, const std::string& name = kBoard,
                              const std::vector<std::string>& metrics = {}) const {
    v1::PredictRequest request;
    request.set_name(name);
    request.set_runtime(kRuntime);
    request.set_network(ir::to_json(network).dump());
    for (const std::string& metric : metrics) request.add_metrics(metric);
    v1::PredictResponse response;
    const auto status = call(&v1::DeviceService::Stub::Predict, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  double mean_error(const std::vector<ir::Network>& networks) const {
    double sum = 0;
    for (const ir::Network& network : networks) {
      const auto response = predict(network, kBoard, {"latency_ms"});
      sum += std::abs(response.costs(0).metric().value() / emulated_ms(network) - 1);
    }
    return sum / static_cast<double>(networks.size());
  }
  /// The sample experiment on the tenant's own device.
  grpc::Status submit(const std::string& id, v1::SearchJob& job) const {
    grpc::ClientContext context;
    auto request = create_request(replaced(sample_.text, "name: stm32f746", "name: my_board"), id);
    request.set_request_id("create-" + id);
    return jobs_->CreateSearchJob(&context, request, &job);
  }
  std::string final_state(const v1::SearchJob& job) const {
    const Watched watched = watch(*jobs_, job.name());
    if (watched.messages.empty()) return watched.status.error_message();
    return v1::SearchJob::State_Name(watched.messages.back().search_job().state());
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
  DaemonProcess daemon_;
  std::unique_ptr<Stub> jobs_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::DeviceService::Stub> stub_;
};

TEST_F(DeviceServiceTest, ADeviceIsWhatItWasCreatedAs) {
  v1::Device created;
  const auto status = create(profile_of(), "my_board", &created);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(created.name(), kBoard);
  EXPECT_EQ(created.profile(), profile_of());
  EXPECT_THAT(created.runtimes(), testing::Contains(kRuntime));
  EXPECT_FALSE(created.built_in());
  EXPECT_EQ(get(kBoard).SerializeAsString(), created.SerializeAsString());
  EXPECT_EQ(create(profile_of()).error_code(), StatusCode::ALREADY_EXISTS);
}

TEST_F(DeviceServiceTest, ListsATenantsDevicesThenThoseThatComeWithHwnasEachOnce) {
  ASSERT_TRUE(create(profile_of()).ok());
  ASSERT_TRUE(create(profile_of("rp2040"), "rp2040").ok());
  v1::ListDevicesRequest request;
  request.set_parent("tenants/acme");
  request.set_page_size(5);
  std::vector<v1::Device> devices;
  do {
    v1::ListDevicesResponse page;
    ASSERT_TRUE(call(&v1::DeviceService::Stub::ListDevices, request, &page).ok());
    devices.insert(devices.end(), page.devices().begin(), page.devices().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  ASSERT_GT(devices.size(), 12u);
  EXPECT_EQ(devices[0].name(), "tenants/acme/devices/rp2040");
  EXPECT_EQ(devices[1].name(), kBoard);
  std::set<std::string> names;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    EXPECT_EQ(devices[i].built_in(), i > 1) << devices[i].name();
    EXPECT_EQ(devices[i].profile(), "");
    EXPECT_TRUE(names.insert(devices[i].name()).second) << devices[i].name();
  }
  request.set_filter("built_in = false AND display_name : desk");
  v1::ListDevicesResponse own;
  ASSERT_TRUE(call(&v1::DeviceService::Stub::ListDevices, request, &own).ok());
  EXPECT_EQ(own.devices_size(), 2);
}

TEST_F(DeviceServiceTest, AllFaultsOfAProfileAreToldWithTheirPlaces) {
  std::string text = replaced(profile_of(), "clock_hz:", "clock_khz:");
  text = replaced(text, "active_power_mw:\n  value: 300", "active_power_mw:\n  value: -300");
  const google::rpc::BadRequest request = violations_of(create(text));
  ASSERT_EQ(request.field_violations_size(), 3) << request.DebugString();
  EXPECT_THAT(request.field_violations(0).description(), HasSubstr("'clock_khz'"));
  EXPECT_THAT(request.field_violations(1).description(), HasSubstr("'clock_hz' is missing"));
  EXPECT_EQ(request.field_violations(2).field(), "device.profile:active_power_mw.value");
  for (const auto& violation : request.field_violations()) {
    EXPECT_THAT(violation.description(), testing::MatchesRegex("[0-9]+:[0-9]+: .*"));
  }
}

TEST_F(DeviceServiceTest, AProfileNamesNoFilesAndIsNamedAsTheDevice) {
  const std::string file = "latency_model: { file: a.json, sha256: b, source: c }\n    ";
  const auto naming =
      violations_of(create(replaced(profile_of(), "macs_per_second:", file + "macs_per_second:")));
  ASSERT_EQ(naming.field_violations_size(), 1) << naming.DebugString();
  EXPECT_THAT(naming.field_violations(0).description(), HasSubstr("cannot name files"));
  const auto named = violations_of(create(profile_of(), "other"));
  EXPECT_EQ(named.field_violations(0).field(), "device.profile:name");
}

TEST_F(DeviceServiceTest, PredictsWhatTheProgramPredicts) {
  ASSERT_TRUE(create(profile_of()).ok());
  const ir::Network network = sample_networks(1, 1).front();
  const json expected = predicted_by_program(folder_, network, "stm32f746");
  for (const char* device : {kBoard, "tenants/acme/devices/stm32f746"}) {
    const v1::PredictResponse response = predict(network, device);
    ASSERT_EQ(response.costs_size(), static_cast<int>(expected.at("costs").size())) << device;
    ASSERT_EQ(response.layers_size(), static_cast<int>(network.layers.size()));
    for (int i = 0; i < response.costs_size(); ++i) {
      const json& cost = expected.at("costs").at(i);
      const auto& told = response.costs(i);
      EXPECT_EQ(told.metric().name(), cost.at("metric").get<std::string>());
      EXPECT_EQ(told.metric().value(), cost.at("value"));
      EXPECT_EQ(told.metric().standard_deviation(), cost.at("standard_deviation"));
      EXPECT_EQ(told.low(), cost.at("interval_95").at(0));
      EXPECT_EQ(told.high(), cost.at("interval_95").at(1));
      EXPECT_EQ(told.per_layer_size(), static_cast<int>(cost.value("per_layer", json()).size()));
    }
  }
}

TEST_F(DeviceServiceTest, ACandidateIsPredictedAsItsNetwork) {
  const auto space = sample_space();
  Rng rng(1);
  const spaces::Genotype genotype = spaces::sample(*space, rng);
  v1::PredictRequest request;
  request.set_name("tenants/acme/devices/stm32f746");
  request.set_runtime(kRuntime);
  auto& candidate = *request.mutable_candidate();
  candidate.set_space(read_file(std::string(kConfigs) + "/spaces/mobile_mcu.yaml", 1 << 20));
  candidate.set_genotype(spaces::to_string(genotype));
  for (const int extent : {1, 28, 28}) candidate.add_input_shape(extent);
  candidate.set_classes(10);
  v1::PredictResponse response;
  const auto status = call(&v1::DeviceService::Stub::Predict, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.SerializeAsString(),
            predict(space->decode(genotype), request.name()).SerializeAsString());
  candidate.set_space(replaced(candidate.space(), "family: mobile", "family: mobil"));
  const auto fault = violations_of(call(&v1::DeviceService::Stub::Predict, request, &response));
  EXPECT_EQ(fault.field_violations(0).field(), "candidate.space:family");
}

TEST_F(DeviceServiceTest, LearnsFromTenMeasurements) {
  ASSERT_TRUE(create(profile_of()).ok());
  const auto unseen = sample_networks(10, 2);
  const double before = mean_error(unseen);
  const auto status = report(report_of(sample_networks(10, 1)));
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(get(kBoard).measurement_count(), 10);
  EXPECT_GT(before, 0.3);
  EXPECT_LT(mean_error(unseen), before / 5);

  const v1::PredictResponse response = predict(unseen.front(), kBoard, {"latency_ms"});
  const auto& cost = response.costs(0);
  EXPECT_EQ(cost.metric().origin(), v1::Metric::PREDICTED);
  EXPECT_NEAR(std::accumulate(cost.per_layer().begin(), cost.per_layer().end(), 0.0),
              cost.metric().value(), 1e-9 * cost.metric().value());
  EXPECT_LT(cost.low(), cost.metric().value());
  EXPECT_GT(cost.high(), cost.metric().value());
}

TEST_F(DeviceServiceTest, ReportsAreStoredWhollyOrNotAtAll) {
  ASSERT_TRUE(create(profile_of()).ok());
  auto request = report_of(sample_networks(3, 1));
  request.set_request_id("once");
  auto spoilt = request;
  spoilt.mutable_measurements(2)->set_measurement(R"({"status": "ok"})");
  EXPECT_EQ(violations_of(report(spoilt)).field_violations(0).field(),
            "measurements[2].measurement");
  spoilt = request;
  spoilt.mutable_measurements(1)->set_network("{");
  EXPECT_EQ(violations_of(report(spoilt)).field_violations(0).field(), "measurements[1].network");
  spoilt = request;
  spoilt.set_runtime("tflite_mikro");
  EXPECT_THAT(violations_of(report(spoilt)).field_violations(0).description(),
              HasSubstr("did you mean"));
  EXPECT_EQ(get(kBoard).measurement_count(), 0);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(report(request).ok());
  EXPECT_EQ(get(kBoard).measurement_count(), 3) << "a repeated request counts once";
}

TEST_F(DeviceServiceTest, WhatIsNotThereIsNamedAndWhatIsBuiltInStays) {
  EXPECT_EQ(remove(kBoard).error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(remove("tenants/acme/devices/stm32f746").error_code(), StatusCode::FAILED_PRECONDITION);
  auto request = report_of(sample_networks(1, 1));
  EXPECT_EQ(report(request).error_code(), StatusCode::NOT_FOUND);
  request.set_name("tenants/acme/devices/stm32f746");
  EXPECT_EQ(report(request).error_code(), StatusCode::FAILED_PRECONDITION);
  ASSERT_TRUE(create(profile_of()).ok());
  EXPECT_EQ(remove(kBoard, "\"stale\"").error_code(), StatusCode::ABORTED);
  EXPECT_TRUE(remove(kBoard, get(kBoard).etag()).ok());
}

TEST_F(DeviceServiceTest, AJobOnATenantsDeviceUsesWhatWasReportedUpToItsStart) {
  ASSERT_TRUE(create(profile_of()).ok());
  ASSERT_TRUE(report(report_of(sample_networks(3, 1))).ok());
  v1::SearchJob job;
  ASSERT_TRUE(submit("job", job).ok());
  EXPECT_THAT(job.experiment(), HasSubstr("name: my_board"));
  ASSERT_EQ(final_state(job), "SUCCEEDED") << daemon_.errors();
  const engine::StoreReader run(run_folder(data_, std::stoll(job.uid())));
  const auto model = estimators::LatencyModel::from_text(run.run().latency_model);
  EXPECT_EQ(model.quality().networks, 3);
}

TEST_F(DeviceServiceTest, AJobKeepsTheProfileOfADeviceThatIsDeleted) {
  ASSERT_TRUE(create(profile_of()).ok());
  v1::SearchJob job, again, other;
  ASSERT_TRUE(submit("job", job).ok());
  EXPECT_TRUE(remove(kBoard).ok());
  EXPECT_TRUE(submit("job", again).ok()) << "the same request, and so the same answer";
  EXPECT_TRUE(again.SerializeAsString() == job.SerializeAsString());
  EXPECT_EQ(final_state(job), "SUCCEEDED") << daemon_.errors();
  EXPECT_THAT(violations_of(submit("other", other)).field_violations(0).description(),
              HasSubstr("unknown device 'my_board'"));
}

class DeviceServiceOfTwoTenants : public DeviceServiceTest {
 protected:
  DeviceServiceOfTwoTenants() : DeviceServiceTest({"--tokens", write_tokens()}) {}
  static std::string write_tokens() {
    static const TemporaryFolder folder;
    const auto file =
        folder.write("tokens", "acme write 0123456789abcdef\nbolt write fedcba9876543210\n");
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return file.string();
  }
  template <typename Request, typename Response>
  StatusCode as_bolt(grpc::Status (v1::DeviceService::Stub::*method)(grpc::ClientContext*,
                                                                     const Request&, Response*),
                     const Request& request) const {
    Response response;
    return call(method, request, &response, "fedcba9876543210").error_code();
  }
};

TEST_F(DeviceServiceOfTwoTenants, AnothersDeviceIsNotFoundByAnyMethod) {
  using Stub = v1::DeviceService::Stub;
  v1::CreateDeviceRequest creation;
  creation.set_parent("tenants/acme");
  creation.set_device_id("my_board");
  creation.mutable_device()->set_profile(profile_of());
  v1::Device device;
  ASSERT_TRUE(call(&Stub::CreateDevice, creation, &device, "0123456789abcdef").ok());

  EXPECT_EQ(as_bolt(&Stub::CreateDevice, creation), StatusCode::NOT_FOUND);
  v1::GetDeviceRequest reading;
  reading.set_name(kBoard);
  EXPECT_EQ(as_bolt(&Stub::GetDevice, reading), StatusCode::NOT_FOUND);
  v1::ListDevicesRequest listing;
  listing.set_parent("tenants/acme");
  EXPECT_EQ(as_bolt(&Stub::ListDevices, listing), StatusCode::NOT_FOUND);
  v1::DeleteDeviceRequest deletion;
  deletion.set_name(kBoard);
  EXPECT_EQ(as_bolt(&Stub::DeleteDevice, deletion), StatusCode::NOT_FOUND);
  const auto networks = sample_networks(1, 1);
  EXPECT_EQ(as_bolt(&Stub::ReportMeasurements, report_of(networks)), StatusCode::NOT_FOUND);
  v1::PredictRequest prediction;
  prediction.set_name(kBoard);
  prediction.set_runtime(kRuntime);
  prediction.set_network(ir::to_json(networks.front()).dump());
  EXPECT_EQ(as_bolt(&Stub::Predict, prediction), StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace hwnas::service
