#include "service/device_service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "core/sha256.hpp"
#include "service/call.hpp"
#include "service/device_requests.hpp"
#include "service/messages.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

std::vector<std::string> runtimes_of(const estimators::DeviceProfile& profile) {
  std::vector<std::string> names;
  for (const auto& runtime : profile.runtimes) names.push_back(runtime.name);
  return names;
}

v1::Device to_message(const DeviceRecord& device) {
  v1::Device message;
  message.set_name(device.name.text());
  message.set_display_name(device.display_name);
  message.set_profile(device.profile);
  *message.mutable_create_time() = service::to_message(device.create_time);
  message.set_etag(device.etag());
  for (const std::string& runtime : device.runtimes) message.add_runtimes(runtime);
  message.set_measurement_count(device.measurements);
  return message;
}

v1::Device to_message(const BuiltInDevice& device, const DeviceName& name) {
  v1::Device message;
  message.set_name(name.text());
  message.set_display_name(device.profile.summary);
  message.set_profile(device.text);
  message.set_etag(fmt::format("\"{}\"", sha256(device.text).substr(0, 16)));
  for (const std::string& runtime : runtimes_of(device.profile)) message.add_runtimes(runtime);
  message.set_built_in(true);
  return message;
}

Error no_such_device(const DeviceName& name) {
  return error(ErrorCode::kNotFound, "{}: no such device", name.text());
}

Error built_in(const DeviceName& name, const char* instead) {
  return error(ErrorCode::kFailedPrecondition, "{}: comes with hwnas and never changes; {}",
               name.text(), instead);
}

/// For changes of a tenant's device: answers, and says so of one that is not found because it comes
/// with hwnas. `instead`: what to do then.
template <typename Fill>
Callback<DeviceRecord> answer_change(const Call& call, const ServerParts& parts,
                                     const DeviceName& name, const char* instead,
                                     const Fill& fill) {
  const bool comes_with_hwnas = parts.devices.built_in.find(name.id) != nullptr;
  return [=](const Outcome<DeviceRecord>& outcome) {
    try {
      fill(outcome.get());
    } catch (const std::exception&) {
      const std::exception_ptr failure = std::current_exception();
      const bool only_built_in =
          comes_with_hwnas && code_of(failure) == grpc::StatusCode::NOT_FOUND;
      return call.fail(only_built_in ? std::make_exception_ptr(built_in(name, instead)) : failure);
    }
    call.finish();
  };
}

/// The tenant's devices, the newest first, then those that come with hwnas and whose names the
/// tenant has not given to its own.
std::vector<v1::Device> listed_devices(const ServerParts& parts, const std::string& tenant) {
  std::vector<v1::Device> devices;
  for (const DeviceRecord& device : parts.devices.store.list(tenant)) {
    devices.push_back(to_message(device));
  }
  const std::size_t own = devices.size();
  for (const auto& [id, device] : parts.devices.built_in.all()) {
    const DeviceName name{tenant, id};
    const auto end = devices.begin() + static_cast<std::ptrdiff_t>(own);
    const auto same = [&](const v1::Device& other) { return other.name() == name.text(); };
    if (std::find_if(devices.begin(), end, same) != end) continue;
    devices.push_back(to_message(device, name));
    devices.back().clear_profile();
  }
  return devices;
}

/// Where a device stands in a listing.
struct Position {
  bool built_in = false;
  std::int64_t create_time = 0;  ///< microseconds since 1970; 0 for what is built in
  std::string name;

  explicit Position(const v1::Device& device)
      : built_in(device.built_in()),
        create_time(time_of(device.create_time()).time_since_epoch().count()),
        name(device.name()) {}
  /// Of a text that a page token has vouched for.
  explicit Position(const std::string& text) {
    const auto list = nlohmann::json::parse(text);
    built_in = list.at(0);
    create_time = list.at(1);
    name = list.at(2);
  }
  std::string text() const { return nlohmann::json{built_in, create_time, name}.dump(); }
  bool comes_after(const Position& other) const {
    if (built_in != other.built_in) return built_in;
    return built_in ? name > other.name
                    : std::tie(create_time, name) < std::tie(other.create_time, other.name);
  }
};

void fill_page(const ServerParts& parts, const v1::ListDevicesRequest& request,
               v1::ListDevicesResponse& response) {
  const auto page_size = static_cast<int>(checked_page_size(request.page_size()));
  const auto matches = device_filter(request.filter());
  const PageTokens& tokens = parts.store.page_tokens();
  const std::string arguments =
      fmt::format("devices of {}, {}", request.parent(), request.filter());
  std::optional<Position> last;
  if (!request.page_token().empty()) last.emplace(tokens.read(request.page_token(), arguments));
  for (v1::Device& device : listed_devices(parts, parse_tenant("parent", request.parent()))) {
    const Position position(device);
    if ((last && !position.comes_after(*last)) || !matches(device)) continue;
    if (response.devices_size() == page_size) {
      response.set_next_page_token(tokens.make(last->text(), arguments));
      return;
    }
    *response.add_devices() = std::move(device);
    last = position;
  }
}

void fill_costs(const v1::PredictRequest& request, const ir::Network& network,
                const DeviceCosts& costs, v1::PredictResponse& response) {
  require_metrics(request, costs.metrics());
  const auto& wanted = request.metrics();
  for (const DeviceCosts::Cost& each : costs.predict(network)) {
    if (!wanted.empty() && std::ranges::find(wanted, each.metric) == wanted.end()) continue;
    const estimators::Estimate& estimate = each.estimate;
    v1::PredictResponse::Cost& cost = *response.add_costs();
    *cost.mutable_metric() = service::to_message(report::MetricValue{
        each.metric, estimate.value, estimate.standard_deviation, estimate.origin});
    const estimators::Interval interval = estimators::interval_95(estimate);
    cost.set_low(interval.low);
    cost.set_high(interval.high);
    cost.mutable_per_layer()->Add(estimate.per_layer.begin(), estimate.per_layer.end());
  }
  for (const ir::Layer& layer : network.layers) response.add_layers(layer.name);
}

}  // namespace

ServerUnaryReactor* DeviceService::CreateDevice(CallbackServerContext* context,
                                                const v1::CreateDeviceRequest* request,
                                                v1::Device* response) {
  const Call created(parts_, context, "hwnas.v1.DeviceService/CreateDevice", request->parent());
  return created.check_and_run([this, request, response](const Call& call) {
    call.require(parse_tenant("parent", request->parent()));
    parts_.devices.store.create(
        new_device(*request), request_key(*request, request->request_id()),
        answer_with<DeviceRecord>(call, [request, response](const DeviceRecord& device) {
          *response = to_message(device);
          response->set_profile(request->device().profile());
        }));
  });
}

ServerUnaryReactor* DeviceService::GetDevice(CallbackServerContext* context,
                                             const v1::GetDeviceRequest* request,
                                             v1::Device* response) {
  const Call got(parts_, context, "hwnas.v1.DeviceService/GetDevice", request->name());
  return got.run([this, request, response](const Call& call) {
    const DeviceName name = parse_device_name("name", request->name());
    call.require(name.tenant);
    if (const auto device = parts_.devices.store.find(name)) {
      *response = to_message(*device);
    } else if (const BuiltInDevice* known = parts_.devices.built_in.find(name.id)) {
      *response = to_message(*known, name);
    } else {
      throw no_such_device(name);
    }
    call.finish();
  });
}

ServerUnaryReactor* DeviceService::ListDevices(CallbackServerContext* context,
                                               const v1::ListDevicesRequest* request,
                                               v1::ListDevicesResponse* response) {
  const Call listed(parts_, context, "hwnas.v1.DeviceService/ListDevices", request->parent());
  return listed.run([this, request, response](const Call& call) {
    call.require(parse_tenant("parent", request->parent()));
    fill_page(parts_, *request, *response);
    call.finish();
  });
}

ServerUnaryReactor* DeviceService::DeleteDevice(CallbackServerContext* context,
                                                const v1::DeleteDeviceRequest* request,
                                                google::protobuf::Empty*) {
  const Call deleted(parts_, context, "hwnas.v1.DeviceService/DeleteDevice", request->name());
  return deleted.run([this, request](const Call& call) {
    const DeviceName name = parse_device_name("name", request->name());
    call.require(name.tenant);
    parts_.devices.store.remove(
        name, request->etag(), request_key(*request, request->request_id()),
        answer_change(call, parts_, name, "a device of your own may have its name",
                      [](const DeviceRecord&) {}));
  });
}

ServerUnaryReactor* DeviceService::ReportMeasurements(CallbackServerContext* context,
                                                      const v1::ReportMeasurementsRequest* request,
                                                      v1::ReportMeasurementsResponse* response) {
  const Call reported(parts_, context, "hwnas.v1.DeviceService/ReportMeasurements",
                      request->name());
  return reported.check_and_run([this, request, response](const Call& call) {
    const DeviceName name = parse_device_name("name", request->name());
    call.require(name.tenant);
    std::string runtime = request->runtime();
    if (const auto device = parts_.devices.store.find(name)) {
      runtime = checked_runtime(runtime, device->runtimes);
    }
    parts_.devices.store.report(
        name, runtime, new_measurements(*request), request_key(*request, request->request_id()),
        answer_change(call, parts_, name,
                      "create a device of your own with its profile, and report on that",
                      [response](const DeviceRecord& device) {
                        response->set_measurement_count(device.measurements);
                      }));
  });
}

ServerUnaryReactor* DeviceService::Predict(CallbackServerContext* context,
                                           const v1::PredictRequest* request,
                                           v1::PredictResponse* response) {
  const Call predicted(parts_, context, "hwnas.v1.DeviceService/Predict", request->name());
  return predicted.check_and_run([this, request, response](const Call& call) {
    const DeviceName name = parse_device_name("name", request->name());
    call.require(name.tenant);
    const auto network = std::make_shared<const ir::Network>(subject_of(*request));
    if (const auto device = parts_.devices.store.find(name)) {
      const std::string runtime = checked_runtime(request->runtime(), device->runtimes);
      const auto answer = [call, request, response, network](const auto& costs) {
        fill_costs(*request, *network, *costs, *response);
      };
      // Fitting has a thread of its own, which predicting must not hold up.
      parts_.devices.models.costs(*device, runtime, [this, call, answer](auto outcome) {
        parts_.pool.submit_always([call, answer, outcome] {
          answer_with<std::shared_ptr<const DeviceCosts>>(call, answer)(outcome);
        });
      });
      return;
    }
    const BuiltInDevice* known = parts_.devices.built_in.find(name.id);
    if (known == nullptr) throw no_such_device(name);
    const std::string runtime = checked_runtime(request->runtime(), runtimes_of(known->profile));
    fill_costs(*request, *network, DeviceCosts(known->profile, runtime, nullptr), *response);
    call.finish();
  });
}

}  // namespace hwnas::service
