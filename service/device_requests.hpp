#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hwnas/v1/device_service.pb.h"
#include "ir/network.hpp"
#include "service/device_models.hpp"
#include "service/device_store.hpp"

namespace hwnas::service {

// What DeviceService's requests ask for, checked: InvalidField or InvalidFields otherwise.

/// "tenants/acme/devices/my_board".
DeviceName parse_device_name(const std::string& field, const std::string& name);

/// Checks the profile as estimators::device_from_config does, all of it; that it is named as the
/// device; and that it names no files.
NewDevice new_device(const v1::CreateDeviceRequest& request);

/// The records with their networks, each read and checked.
std::vector<NewMeasurement> new_measurements(const v1::ReportMeasurementsRequest& request);

/// The runtime asked for, or the only one where the request names none.
std::string checked_runtime(const std::string& asked, const std::vector<std::string>& known);

/// The network of a request: given, or decoded from a space and a genotype.
ir::Network subject_of(const v1::PredictRequest& request);

/// Throws unless all that is asked for is among `known`.
void require_metrics(const v1::PredictRequest& request, const std::vector<std::string>& known);

/// What the `filter` of ListDevices lets through: by display_name, built_in, create_time.
std::function<bool(const v1::Device&)> device_filter(const std::string& filter);

}  // namespace hwnas::service
