#include "service/compression_service.hpp"

#include "service/call.hpp"
#include "service/compression_requests.hpp"
#include "service/compression_results.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"
#include "service/search_requests.hpp"
#include "service/supervisor.hpp"

namespace hwnas::service {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

ServerUnaryReactor* CompressionService::CreateCompressionJob(
    CallbackServerContext* context, const v1::CreateCompressionJobRequest* request,
    v1::CompressionJob* response) {
  const Call created(parts_, context, "hwnas.v1.CompressionService/CreateCompressionJob",
                     request->parent());
  return created.check_and_run([this, request, response](const Call& call) {
    const std::string tenant = parse_tenant("parent", request->parent());
    call.require(tenant);
    const RequestKey key = request_key(*request, request->request_id());
    if (const auto before = parts_.jobs.read().created_before(tenant, key)) {
      *response = to_compression_message(*before);
      return call.finish();
    }
    NewJob job = new_compression_job(*request, parts_, uploads_);
    const std::string specification = job.specification;
    parts_.jobs.create(std::move(job), parts_.quota, key,
                       answer_with<JobRecord>(call, [response, specification](JobRecord record) {
                         record.specification = specification;
                         *response = to_compression_message(record);
                       }));
  });
}

ServerUnaryReactor* CompressionService::GetCompressionJob(
    CallbackServerContext* context, const v1::GetCompressionJobRequest* request,
    v1::CompressionJob* response) {
  const Call got(parts_, context, "hwnas.v1.CompressionService/GetCompressionJob", request->name());
  return got.run([this, request, response](const Call& call) {
    const JobName name = parse_compression_job("name", request->name());
    call.require(name.tenant);
    const JobRecord job = parts_.jobs.read().job(name);
    *response = to_compression_message(job);
    add_compression_results(run_folder(parts_.folder, job.uid), *response);
    call.finish();
  });
}

ServerUnaryReactor* CompressionService::ListCompressionJobs(
    CallbackServerContext* context, const v1::ListCompressionJobsRequest* request,
    v1::ListCompressionJobsResponse* response) {
  const Call listed(parts_, context, "hwnas.v1.CompressionService/ListCompressionJobs",
                    request->parent());
  return listed.run([this, request, response](const Call& call) {
    JobQuery query;
    query.tenant = parse_tenant("parent", request->parent());
    call.require(query.tenant);
    query.kind = JobKind::kCompression;
    query.filter = request->filter();
    query.matches = job_filter(request->filter());
    query.page_size = static_cast<int>(checked_page_size(request->page_size()));
    query.page_token = request->page_token();
    const JobPage page = parts_.jobs.read().list(query);
    for (const JobRecord& job : page.jobs) {
      *response->add_compression_jobs() = to_compression_message(job);
    }
    response->set_next_page_token(page.next_page_token);
    call.finish();
  });
}

ServerUnaryReactor* CompressionService::CancelCompressionJob(
    CallbackServerContext* context, const v1::CancelCompressionJobRequest* request,
    v1::CompressionJob* response) {
  const Call cancelled(parts_, context, "hwnas.v1.CompressionService/CancelCompressionJob",
                       request->name());
  return cancelled.run([this, request, response](const Call& call) {
    const JobName name = parse_compression_job("name", request->name());
    call.require(name.tenant);
    parts_.jobs.cancel(name, request->etag(), request_key(*request, request->request_id()),
                       answer_with<JobRecord>(call, [response](const JobRecord& job) {
                         *response = to_compression_message(job);
                       }));
  });
}

ServerUnaryReactor* CompressionService::DeleteCompressionJob(
    CallbackServerContext* context, const v1::DeleteCompressionJobRequest* request,
    google::protobuf::Empty*) {
  const Call deleted(parts_, context, "hwnas.v1.CompressionService/DeleteCompressionJob",
                     request->name());
  return deleted.run([this, request](const Call& call) {
    const JobName name = parse_compression_job("name", request->name());
    call.require(name.tenant);
    parts_.jobs.remove(name, request->etag(), request_key(*request, request->request_id()),
                       answer_with<JobRecord>(call, [](const JobRecord&) {}));
  });
}

}  // namespace hwnas::service
