#include "service/search_requests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/sha256.hpp"
#include "core/text.hpp"
#include "service/error_status.hpp"
#include "service/page_token.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kMaxRequestIdBytes = 128;
constexpr std::size_t kMaxDisplayNameBytes = 63;
constexpr int kMaxPriority = 100;
constexpr int kDefaultPageSize = 50;
constexpr int kMaxPageSize = 1000;
constexpr std::size_t kMadeIdNameBytes = 54;
constexpr std::size_t kMadeIdDigits = 8;

/// The first fault of the text as a violation of the request's field, with its key, line and
/// column.
Submission checked_submission(const std::string& field, const std::string& text,
                              const Datasets& datasets) {
  try {
    return read_submission(text, datasets);
  } catch (const Error& failure) {
    const TextFaultPlace place = place_of_fault(failure.what(), kSubmissionSource);
    if (place.line == 0) throw InvalidField(field, place.description);
    throw InvalidField(place.key.empty() ? field : field + ":" + place.key,
                       fmt::format("{}:{}: {}", place.line, place.column, place.description));
  }
}

std::string make_id(const std::string& experiment_name) {
  return experiment_name.substr(0, kMadeIdNameBytes) + "-" + random_key().substr(0, kMadeIdDigits);
}

}  // namespace

JobName parse_search_job(const std::string& field, const std::string& name) {
  JobName job = parse_job_name(field, name);
  if (job.kind != JobKind::kSearch) {
    throw InvalidField(field, "no search job: tenants/ID/searchJobs/ID is expected");
  }
  return job;
}

RequestKey request_key(const google::protobuf::Message& request, const std::string& id) {
  const bool printable = std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
  if (id.size() > kMaxRequestIdBytes || !printable) {
    throw InvalidField("request_id", "give at most 128 printable ASCII characters, or none");
  }
  const std::unique_ptr<google::protobuf::Message> arguments(request.New());
  arguments->CopyFrom(request);
  const auto* field = request.GetDescriptor()->FindFieldByName("request_id");
  if (field != nullptr) arguments->GetReflection()->ClearField(arguments.get(), field);
  return {id, sha256(request.GetTypeName() + "\n" + arguments->SerializeAsString())};
}

NewJob new_job(const v1::CreateSearchJobRequest& request, const Datasets& datasets,
               int max_unfinished) {
  const v1::SearchJob& asked = request.search_job();
  if (asked.display_name().size() > kMaxDisplayNameBytes || find_text_fault(asked.display_name())) {
    throw InvalidField("search_job.display_name", "give at most 63 characters of UTF-8");
  }
  if (std::abs(asked.priority()) > kMaxPriority) {
    throw InvalidField("search_job.priority",
                       fmt::format("{} is not between -100 and 100", asked.priority()));
  }
  if (!request.search_job_id().empty() && !is_resource_id(request.search_job_id())) {
    throw InvalidField("search_job_id",
                       in_quotes(request.search_job_id()) +
                           " is no id: 1 to 63 of a-z, 0-9, '.', '_', '-', the first a letter or "
                           "digit");
  }
  const Submission submission =
      checked_submission("search_job.experiment", asked.experiment(), datasets);
  NewJob job;
  job.name = {parse_tenant("parent", request.parent()), JobKind::kSearch,
              request.search_job_id().empty() ? make_id(submission.experiment.name)
                                              : request.search_job_id()};
  job.display_name = asked.display_name();
  job.specification = asked.experiment();
  job.priority = asked.priority();
  job.max_unfinished = max_unfinished;
  return job;
}

void require_no_filter(const std::string& filter) {
  if (filter.empty()) return;
  throw RpcError(grpc::StatusCode::UNIMPLEMENTED,
                 "filter: this daemon does not filter yet; list without one");
}

std::size_t checked_page_size(int page_size) {
  if (page_size < 0) {
    throw InvalidField("page_size",
                       fmt::format("{} is negative; 0 stands for {}", page_size, kDefaultPageSize));
  }
  return static_cast<std::size_t>(page_size == 0 ? kDefaultPageSize
                                                 : std::min(page_size, kMaxPageSize));
}

}  // namespace hwnas::service
