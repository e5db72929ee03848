#include "service/compression_requests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "core/text.hpp"
#include "engine/compress.hpp"
#include "engine/store.hpp"
#include "service/compression_order.hpp"
#include "service/error_status.hpp"
#include "service/messages.hpp"
#include "service/page_token.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"
#include "service/supervisor.hpp"

namespace hwnas::service {
namespace {

constexpr int kMaxPasses = 32;
constexpr std::size_t kMadeIdDigits = 8;
constexpr const char* kJob = "compression_job";

std::string field(std::string_view name) {
  return fmt::format("{}.{}", kJob, name);
}

/// The id of the tenant's own resource; another tenant's does not exist.
std::string own_id(const std::string& tenant, std::string_view name_of_field,
                   const std::string& name, std::string_view collection) {
  const OwnedName owned = parse_owned_name(field(name_of_field), name, collection);
  if (owned.tenant != tenant) throw error(ErrorCode::kNotFound, "{}: not found", name);
  return owned.id;
}

void require_finalist(const ServerParts& parts, const JobRecord& job) {
  const auto run = run_folder(parts.folder, job.uid);
  const bool chosen = engine::holds_run(run) &&
                      std::ranges::any_of(engine::StoreReader(run).finalists(), [](const auto& f) {
                        return f.chosen && !f.weights_file.empty();
                      });
  if (chosen) return;
  throw error(ErrorCode::kFailedPrecondition,
              "{}: has no trained finalist yet; wait until it has SUCCEEDED", job.name.text());
}

/// The data set that the experiment names; empty: none.
std::string dataset_of(const JobRecord& search) {
  const Config experiment = Config::parse(search.specification, "experiment");
  const std::string name = experiment.at("data").at("name").as_string();
  return name == "none" ? "" : name;
}

void take_search_job(const v1::CompressionJob& asked, const std::string& tenant,
                     const ServerParts& parts, CompressionOrder& order) {
  const JobName name = parse_job_name(field("search_job"), asked.search_job());
  if (name.kind != JobKind::kSearch) {
    throw InvalidField(field("search_job"), "no search job: tenants/ID/searchJobs/ID is expected");
  }
  if (name.tenant != tenant) throw error(ErrorCode::kNotFound, "{}: no such job", name.text());
  const JobRecord search = parts.jobs.read().job(name);
  require_finalist(parts, search);
  order.search_job = name.text();
  order.search_uid = search.uid;
  order.dataset = dataset_of(search);
  if (asked.dataset().empty()) return;
  if (own_id(tenant, "dataset", asked.dataset(), "datasets") != order.dataset) {
    throw InvalidField(field("dataset"),
                       "is not the search job's, which its network was trained on; leave it out");
  }
  order.dataset_given = true;
}

void take_upload(const v1::CompressionJob& asked, const std::string& tenant,
                 const ServerParts& parts, const UploadStore& uploads, CompressionOrder& order) {
  const UploadRecord upload =
      uploads.upload(tenant, own_id(tenant, "upload", asked.upload(), "uploads"));
  if (!upload.complete) {
    throw error(ErrorCode::kFailedPrecondition, "{}: not complete; write the rest", asked.upload());
  }
  const std::filesystem::path file = upload.file_name;
  if (file.extension() != ".onnx" && file.extension() != ".tflite") {
    throw InvalidField(field("upload"),
                       fmt::format("its file '{}' is neither .onnx nor .tflite", upload.file_name));
  }
  order.upload_name = upload.name();
  order.upload = upload.number;
  order.file_name = upload.file_name;
  for (const auto& [name, value] :
       {std::pair("dataset", &asked.dataset()), std::pair("device", &asked.device())}) {
    if (value->empty()) {
      throw InvalidField(field(name), "a model file says nothing of it; give one");
    }
  }
  order.dataset = own_id(tenant, "dataset", asked.dataset(), "datasets");
  order.dataset_given = true;
  if (!parts.datasets.of(tenant).find(order.dataset)) {
    throw error(ErrorCode::kNotFound, "{}: no such data set", asked.dataset());
  }
}

/// The runtime asked for, or the only one.
std::string checked_runtime(const std::string& asked, const std::vector<std::string>& known) {
  if (asked.empty() && known.size() == 1) return known.front();
  if (std::ranges::count(known, asked) > 0) return asked;
  throw InvalidField(field("runtime"), fmt::format("'{}' is none of the device's: {}",
                                                   one_line(asked), fmt::join(known, ", ")));
}

void take_device(const v1::CompressionJob& asked, const std::string& tenant,
                 const ServerParts& parts, CompressionOrder& order) {
  if (asked.device().empty()) {
    if (!asked.runtime().empty()) {
      throw InvalidField(field("runtime"), "give the device that it is of, too");
    }
    return;
  }
  order.device = own_id(tenant, "device", asked.device(), "devices");
  std::vector<std::string> runtimes;
  if (const auto own = parts.devices.store.find({tenant, order.device})) {
    order.device_profile = own->profile;
    runtimes = own->runtimes;
  } else if (const BuiltInDevice* const device = parts.devices.built_in.find(order.device)) {
    for (const auto& runtime : device->profile.runtimes) runtimes.push_back(runtime.name);
  } else {
    throw error(ErrorCode::kNotFound, "{}: no such device", asked.device());
  }
  order.runtime = checked_runtime(asked.runtime(), runtimes);
}

/// What the engine finds wrong, as the field's fault.
void take_work(const v1::CompressionJob& asked, CompressionOrder& order) {
  if (asked.passes_size() < 1 || asked.passes_size() > kMaxPasses) {
    throw InvalidField(field("passes"), fmt::format("give 1 to {}", kMaxPasses));
  }
  if (asked.formats().empty()) throw InvalidField(field("formats"), "give at least one");
  order.passes.assign(asked.passes().begin(), asked.passes().end());
  order.formats.assign(asked.formats().begin(), asked.formats().end());
  order.limits.insert(asked.limits().begin(), asked.limits().end());
  engine::CompressRequest request;
  request.formats = order.formats;
  for (const auto& [metric, bound] : order.limits) request.limits.push_back({metric, bound});
  try {
    for (const std::string& pass : order.passes) {
      request.passes.push_back(
          Config::parse(pass, fmt::format("passes[{}]", request.passes.size())));
    }
    engine::require_valid(request);
  } catch (const Error& failure) {
    // "passes[0]:1:3: …", "formats: …"
    const std::string message = failure.what();
    const std::size_t end = message.find(':');
    throw InvalidField(
        field(message.substr(0, end)),
        message.substr(std::min(message.find_first_not_of(": ", end), message.size())));
  }
}

}  // namespace

JobName parse_compression_job(const std::string& field_name, const std::string& name) {
  JobName job = parse_job_name(field_name, name);
  if (job.kind != JobKind::kCompression) {
    throw InvalidField(field_name, "no compression job: tenants/ID/compressionJobs/ID is expected");
  }
  return job;
}

NewJob new_compression_job(const v1::CreateCompressionJobRequest& request, const ServerParts& parts,
                           const UploadStore& uploads) {
  const v1::CompressionJob& asked = request.compression_job();
  require_display_name(field("display_name"), asked.display_name());
  require_priority(field("priority"), asked.priority());
  if (!request.compression_job_id().empty()) {
    require_id("compression_job_id", request.compression_job_id());
  }
  const std::string tenant = parse_tenant("parent", request.parent());
  CompressionOrder order;
  take_work(asked, order);
  switch (asked.source_case()) {
    case v1::CompressionJob::kSearchJob:
      take_search_job(asked, tenant, parts, order);
      break;
    case v1::CompressionJob::kUpload:
      take_upload(asked, tenant, parts, uploads, order);
      break;
    case v1::CompressionJob::SOURCE_NOT_SET:
      throw InvalidField(kJob, "give search_job or upload");
  }
  take_device(asked, tenant, parts, order);
  NewJob job;
  job.name = {tenant, JobKind::kCompression,
              request.compression_job_id().empty()
                  ? "compression-" + random_key().substr(0, kMadeIdDigits)
                  : request.compression_job_id()};
  job.display_name = asked.display_name();
  job.specification = order.text();
  job.priority = asked.priority();
  return job;
}

v1::CompressionJob to_compression_message(const JobRecord& job) {
  const v1::SearchJob common = to_message(job);
  v1::CompressionJob message;
  message.set_name(common.name());
  message.set_display_name(common.display_name());
  message.set_priority(common.priority());
  message.set_state(common.state());
  *message.mutable_create_time() = common.create_time();
  *message.mutable_update_time() = common.update_time();
  if (common.has_error()) *message.mutable_error() = common.error();
  message.set_etag(common.etag());
  if (job.specification.empty()) return message;
  const CompressionOrder order = CompressionOrder::parse(job.specification);
  const auto own = [&](const char* collection, const std::string& id) {
    return fmt::format("tenants/{}/{}/{}", job.name.tenant, collection, id);
  };
  if (order.upload != 0) {
    message.set_upload(order.upload_name);
  } else {
    message.set_search_job(order.search_job);
  }
  if (order.dataset_given) message.set_dataset(own("datasets", order.dataset));
  if (!order.device.empty()) message.set_device(own("devices", order.device));
  message.set_runtime(order.runtime);
  message.mutable_passes()->Add(order.passes.begin(), order.passes.end());
  message.mutable_limits()->insert(order.limits.begin(), order.limits.end());
  message.mutable_formats()->Add(order.formats.begin(), order.formats.end());
  return message;
}

}  // namespace hwnas::service
