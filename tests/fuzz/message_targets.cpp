// Targets that read messages: requests as they come from clients, events as the store keeps them.
#include <google/protobuf/stubs/logging.h>

#include <array>

#include "core/error.hpp"
#include "hwnas/v1/search_service.pb.h"
#include "service/messages.hpp"
#include "service/page_token.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"
#include "service/run_feed.hpp"
#include "service/search_requests.hpp"
#include "tests/fuzz/sample_datasets.hpp"
#include "tests/fuzz/targets.hpp"

namespace hwnas::fuzz {
namespace {

using namespace hwnas::service;

const PageTokens& sample_tokens() {
  static const PageTokens tokens("key");
  return tokens;
}

const SubmissionRules& sample_rules() {
  static const SubmissionRules rules{sample_datasets(), {}, {}};
  return rules;
}

// What SearchService's handlers ask of a request before they ask the store.

void check(const v1::CreateSearchJobRequest& request) {
  const NewJob job = new_job(request, {sample_datasets(), {}, {}});
  require(is_resource_id(job.name.id) && is_resource_id(job.name.tenant), "ids are checked");
  request_key(request, request.request_id());
}

void check(const v1::GetSearchJobRequest& request) {
  parse_search_job("name", request.name());
}

void check(const v1::ListSearchJobsRequest& request) {
  parse_tenant("parent", request.parent());
  job_filter(request.filter())(JobRecord());
  checked_page_size(request.page_size());
  if (!request.page_token().empty()) sample_tokens().read(request.page_token(), request.filter());
}

void check(const v1::WatchSearchJobRequest& request) {
  parse_job_name("name", request.name());
}

template <typename Request>
void check_change(const Request& request) {
  parse_search_job("name", request.name());
  request_key(request, request.request_id());
}
void check(const v1::CancelSearchJobRequest& request) {
  check_change(request);
}
void check(const v1::DeleteSearchJobRequest& request) {
  check_change(request);
}

void check(const v1::ValidateSearchJobRequest& request) {
  parse_tenant("parent", request.parent());
  faults_of(request.experiment(), sample_rules());
}

void check(const v1::ListTrialsRequest& request) {
  parse_search_job("parent", request.parent());
  trial_filter(request.filter())(engine::TrialRecord(), false);
  checked_page_size(request.page_size());
}

void check(const v1::GetParetoFrontRequest& request) {
  parse_search_job("name", request.name());
}

void check(const v1::ListArtifactsRequest& request) {
  parse_job_name("parent", request.parent());
  checked_page_size(request.page_size());
}

void check(const v1::DownloadArtifactRequest& request) {
  parse_artifact_name("name", request.name());
}

template <typename Request>
void run_request(std::string_view bytes) {
  Request request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  refuse_or([&] { check(request); });
}

/// What the store itself has written may be unreadable only as a defect, said so.
void damaged_or(const std::function<void()>& read) {
  try {
    read();
  } catch (const Error& refusal) {
    require(refusal.code() == ErrorCode::kInternal, "a damaged event is an internal error");
  }
}

void read_job_event(const std::string& payload) {
  const JobRecord job = job_from_json(payload);
  require(job_from_json(to_json(job)) == job, "a job is read as it was written");
  require(to_message(job).name() == job.name.text(), "a job is told by its name");
}

template <typename Message>
void read_message_event(const std::string& payload) {
  Message message;
  from_json(payload, message);
  Message again;
  from_json(to_json(message), again);
  require(again.SerializeAsString().size() == message.SerializeAsString().size(),
          "a message is read as it was written");
}

void read_cursor(const std::string& text) {
  const FeedCursor cursor = FeedCursor::parse(text);
  require(FeedCursor::parse(cursor.text()).open == cursor.open, "a cursor is read as written");
}

}  // namespace

void run_requests(std::string_view input) {
  static const auto silenced = google::protobuf::SetLogHandler(nullptr);
  static_cast<void>(silenced);
  static constexpr std::array kRequests = {
      run_request<v1::CreateSearchJobRequest>,   run_request<v1::GetSearchJobRequest>,
      run_request<v1::ListSearchJobsRequest>,    run_request<v1::WatchSearchJobRequest>,
      run_request<v1::CancelSearchJobRequest>,   run_request<v1::DeleteSearchJobRequest>,
      run_request<v1::ValidateSearchJobRequest>, run_request<v1::ListTrialsRequest>,
      run_request<v1::GetParetoFrontRequest>,    run_request<v1::ListArtifactsRequest>,
      run_request<v1::DownloadArtifactRequest>};
  if (input.empty()) return;
  kRequests[static_cast<unsigned char>(input.front()) % kRequests.size()](input.substr(1));
}

void run_event(std::string_view input) {
  static constexpr std::array kPayloads = {read_job_event, read_message_event<v1::Trial>,
                                           read_message_event<v1::SearchProgress>, read_cursor};
  if (input.empty()) return;
  const auto read = kPayloads[static_cast<unsigned char>(input.front()) % kPayloads.size()];
  damaged_or([&] { read(std::string(input.substr(1))); });
}

}  // namespace hwnas::fuzz
