#include "client/search_client.hpp"

#include <fmt/format.h>

#include <thread>

#include "client/channel.hpp"
#include "core/text.hpp"
#include "measurement/agent_protocol.hpp"

namespace hwnas::client {
namespace {

constexpr int kMaxPageSize = 1000;
constexpr std::size_t kMaxJobBytes = 200;

std::chrono::system_clock::time_point from_now(std::chrono::milliseconds duration) {
  return std::chrono::system_clock::now() + duration;
}

}  // namespace

SearchClient::SearchClient(Connection connection, RetryPolicy policy)
    : connection_(std::move(connection)),
      policy_(policy),
      stub_(v1::SearchService::NewStub(open_channel(connection_, policy_))) {}

std::string SearchClient::job_name(std::string_view job) const {
  if (job.empty() || job.size() > kMaxJobBytes || one_line(job) != job) {
    throw invalid_argument("job {}: give a job's id, or its name tenants/TENANT/searchJobs/ID",
                           in_quotes(job));
  }
  if (job.find('/') != std::string_view::npos) return std::string(job);
  return fmt::format("tenants/{}/searchJobs/{}", connection_.tenant, job);
}

void SearchClient::introduce(grpc::ClientContext& context) const {
  if (connection_.token.empty()) return;
  context.AddMetadata(std::string(measurement::kAuthorization),
                      measurement::authorization(connection_.token));
}

CallError SearchClient::failure(const grpc::Status& status) const {
  std::string message = one_line(status.error_message());
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      message = fmt::format("hwnasd at {}{}: {}", connection_.server,
                            is_answer(status) ? "" : " cannot be reached", message);
      // What a server that wants certificates does without them looks like a broken connection.
      if (!is_answer(status) && connection_.tls_certificate.empty() &&
          !connection_.server.starts_with("unix:")) {
        message += "; does it want certificates? They are given by --tls-ca, --tls-cert, --tls-key";
      }
      break;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      message = fmt::format("hwnasd at {} has not answered in {} s", connection_.server,
                            policy_.deadline.count() / 1000.0);
      break;
    case grpc::StatusCode::UNAUTHENTICATED:
      message += connection_.token.empty()
                     ? "; none was sent: give --token-file, HWNAS_TOKEN or --tls-cert"
                     : "; it does not know the token that was sent";
      break;
    case grpc::StatusCode::UNIMPLEMENTED:
      if (!is_answer(status)) {
        message = fmt::format("what answers at {} is no hwnasd, or an older one: {}",
                              connection_.server, message);
      }
      break;
    default:
      break;
  }
  return {status, message};
}

void SearchClient::call(const Attempt& attempt) const {
  Backoff backoff(policy_, policy_.give_up_after, random_seed());
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(from_now(policy_.deadline));
    introduce(context);
    const grpc::Status status = attempt(context);
    if (status.ok()) return;
    if (status.error_code() != grpc::StatusCode::UNAVAILABLE) throw failure(status);
    const auto wait = backoff.next(retry_delay_of(status));
    if (!wait) throw failure(status);
    std::this_thread::sleep_for(*wait);
  }
}

v1::SearchJob SearchClient::create(v1::CreateSearchJobRequest request) const {
  request.set_parent("tenants/" + connection_.tenant);
  if (request.request_id().empty()) request.set_request_id(new_request_id());
  v1::SearchJob job;
  call([&](grpc::ClientContext& context) {
    return stub_->CreateSearchJob(&context, request, &job);
  });
  return job;
}

v1::SearchJob SearchClient::get(std::string_view job) const {
  v1::GetSearchJobRequest request;
  request.set_name(job_name(job));
  v1::SearchJob result;
  call([&](grpc::ClientContext& context) {
    return stub_->GetSearchJob(&context, request, &result);
  });
  return result;
}

SearchClient::JobList SearchClient::list(const std::string& filter, int page_size, bool all) const {
  v1::ListSearchJobsRequest request;
  request.set_parent("tenants/" + connection_.tenant);
  request.set_filter(filter);
  request.set_page_size(all ? kMaxPageSize : page_size);
  JobList result;
  do {
    v1::ListSearchJobsResponse page;
    call([&](grpc::ClientContext& context) {
      return stub_->ListSearchJobs(&context, request, &page);
    });
    result.jobs.insert(result.jobs.end(), page.search_jobs().begin(), page.search_jobs().end());
    request.set_page_token(page.next_page_token());
  } while (all && !request.page_token().empty());
  result.more = !request.page_token().empty();
  return result;
}

v1::SearchJob SearchClient::cancel(std::string_view job) const {
  v1::CancelSearchJobRequest request;
  request.set_name(job_name(job));
  request.set_request_id(new_request_id());
  v1::SearchJob result;
  call([&](grpc::ClientContext& context) {
    return stub_->CancelSearchJob(&context, request, &result);
  });
  return result;
}

void SearchClient::remove(std::string_view job) const {
  v1::DeleteSearchJobRequest request;
  request.set_name(job_name(job));
  request.set_request_id(new_request_id());
  google::protobuf::Empty nothing;
  call([&](grpc::ClientContext& context) {
    return stub_->DeleteSearchJob(&context, request, &nothing);
  });
}

v1::ParetoFront SearchClient::front(std::string_view job) const {
  v1::GetParetoFrontRequest request;
  request.set_name(job_name(job));
  v1::ParetoFront front;
  call([&](grpc::ClientContext& context) {
    return stub_->GetParetoFront(&context, request, &front);
  });
  return front;
}

std::vector<v1::Artifact> SearchClient::artifacts(std::string_view job) const {
  v1::ListArtifactsRequest request;
  request.set_parent(job_name(job));
  request.set_page_size(kMaxPageSize);
  std::vector<v1::Artifact> artifacts;
  do {
    v1::ListArtifactsResponse page;
    call([&](grpc::ClientContext& context) {
      return stub_->ListArtifacts(&context, request, &page);
    });
    artifacts.insert(artifacts.end(), page.artifacts().begin(), page.artifacts().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return artifacts;
}

std::string new_request_id() {
  return fmt::format("{:016x}{:016x}", random_seed(), random_seed());
}

}  // namespace hwnas::client
