#pragma once

#include <string>

#include "hwnas/v1/device_service.grpc.pb.h"
#include "service/server_parts.hpp"

namespace hwnas::service {

/// hwnas.v1.DeviceService: checks each call's right and arguments and hands it to the store, or to
/// the models of costs. What comes with hwnas is every tenant's, unless the tenant has a device of
/// the same name. Each override answers on its own, as proto/hwnas/v1/device_service.proto says.
class DeviceService final : public v1::DeviceService::CallbackService {
 public:
  /// What it refers to outlives it.
  explicit DeviceService(ServerParts& parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* CreateDevice(grpc::CallbackServerContext* context,
                                         const v1::CreateDeviceRequest* request,
                                         v1::Device* response) override;
  grpc::ServerUnaryReactor* GetDevice(grpc::CallbackServerContext* context,
                                      const v1::GetDeviceRequest* request,
                                      v1::Device* response) override;
  grpc::ServerUnaryReactor* ListDevices(grpc::CallbackServerContext* context,
                                        const v1::ListDevicesRequest* request,
                                        v1::ListDevicesResponse* response) override;
  grpc::ServerUnaryReactor* DeleteDevice(grpc::CallbackServerContext* context,
                                         const v1::DeleteDeviceRequest* request,
                                         google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* ReportMeasurements(grpc::CallbackServerContext* context,
                                               const v1::ReportMeasurementsRequest* request,
                                               v1::ReportMeasurementsResponse* response) override;
  grpc::ServerUnaryReactor* Predict(grpc::CallbackServerContext* context,
                                    const v1::PredictRequest* request,
                                    v1::PredictResponse* response) override;

 private:
  ServerParts& parts_;
};

}  // namespace hwnas::service
