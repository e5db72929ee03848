#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "service/job.hpp"

namespace hwnas::service {

// Resource names, as proto/hwnas/v1/resources.proto describes them. All throw InvalidField for
// `field`.

/// True for [a-z0-9][a-z0-9._-]{0,62}.
bool is_resource_id(std::string_view text);

/// "tenants/acme": the tenant's id.
std::string parse_tenant(const std::string& field, std::string_view name);
/// "tenants/acme/searchJobs/a", and of compression jobs.
JobName parse_job_name(const std::string& field, std::string_view name);

/// A name of two ids: a tenant's thing, and not a job.
struct OwnedName {
  std::string tenant;
  std::string id;
};
/// "tenants/acme/devices/a", of the collection "devices".
OwnedName parse_owned_name(const std::string& field, std::string_view name,
                           std::string_view collection);

struct ArtifactName {
  JobName job;
  std::string id;
};
/// "tenants/acme/searchJobs/a/artifacts/onnx".
ArtifactName parse_artifact_name(const std::string& field, std::string_view name);

}  // namespace hwnas::service
