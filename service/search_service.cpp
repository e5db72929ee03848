#include "service/search_service.hpp"

#include <fmt/format.h>

#include <functional>

#include "engine/front.hpp"
#include "engine/run_facts.hpp"
#include "service/artifacts.hpp"
#include "service/call.hpp"
#include "service/download.hpp"
#include "service/messages.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"
#include "service/run_feed.hpp"
#include "service/search_requests.hpp"
#include "service/supervisor.hpp"

namespace hwnas::service {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

std::filesystem::path run_of(const ServerParts& parts, const JobName& job) {
  return run_folder(parts.folder, parts.jobs.read().job(job).uid);
}

SubmissionRules rules_of(const ServerParts& parts, const std::string& tenant) {
  return {parts.datasets.of(tenant), parts.devices.profiles_of(tenant), parts.networks};
}

bool is_on(const search::ParetoArchive& front, std::uint64_t trial) {
  const auto points = front.points();
  return std::ranges::find(points, trial, &search::ParetoPoint::id) != points.end();
}

/// Adds trials from `begin` on that match, at most a page. Gives where the next page begins, which
/// is empty if no other trial matches; 0: this was the last one.
std::size_t fill_page(const engine::StoreReader& run, const JobName& job, std::size_t begin,
                      const v1::ListTrialsRequest& request, v1::ListTrialsResponse& response) {
  const auto page_size = static_cast<int>(checked_page_size(request.page_size()));
  const auto matches = trial_filter(request.filter());
  const std::vector<engine::TrialRecord> trials = run.trials();
  const search::ParetoArchive front = engine::pareto_front(engine::stored_experiment(run), trials);
  for (std::size_t i = begin; i < trials.size(); ++i) {
    if (response.trials_size() == page_size) return i;
    const bool on_front = is_on(front, trials[i].id);
    if (!matches(trials[i], on_front)) continue;
    v1::Trial& trial = *response.add_trials();
    trial = to_message(trials[i], job);
    trial.set_on_front(on_front);
  }
  return 0;
}

void fill_front(const engine::StoreReader& run, const JobName& job, v1::ParetoFront& response) {
  const engine::Experiment experiment = engine::stored_experiment(run);
  for (const engine::Objective& objective : experiment.objectives) {
    v1::Objective& message = *response.add_objectives();
    message.set_metric(objective.metric);
    message.set_maximize(objective.maximize);
  }
  const std::vector<engine::TrialRecord> trials = run.trials();
  const search::ParetoArchive front = engine::pareto_front(experiment, trials);
  std::vector<search::ParetoPoint> points(front.points().begin(), front.points().end());
  std::ranges::sort(points, {}, &search::ParetoPoint::objectives);
  for (const search::ParetoPoint& point : points) {
    v1::Trial& trial = *response.add_trials();
    trial = to_message(*std::ranges::find(trials, point.id, &engine::TrialRecord::id), job);
    trial.clear_curve();
    trial.set_on_front(true);
  }
}

}  // namespace

ServerUnaryReactor* SearchService::CreateSearchJob(CallbackServerContext* context,
                                                   const v1::CreateSearchJobRequest* request,
                                                   v1::SearchJob* response) {
  const Call created(parts_, context, "hwnas.v1.SearchService/CreateSearchJob", request->parent());
  return created.check_and_run([this, request, response](const Call& call) {
    const std::string tenant = parse_tenant("parent", request->parent());
    call.require(tenant);
    const RequestKey key = request_key(*request, request->request_id());
    if (const auto before = parts_.jobs.read().created_before(tenant, key)) {
      *response = to_message(*before);
      return call.finish();
    }
    NewJob job = new_job(*request, rules_of(parts_, tenant));
    const std::string text = job.specification;
    parts_.jobs.create(std::move(job), parts_.quota, key,
                       answer_with<JobRecord>(call, [response, text](const JobRecord& record) {
                         *response = to_message(record);
                         response->set_experiment(text);
                       }));
  });
}

ServerUnaryReactor* SearchService::GetSearchJob(CallbackServerContext* context,
                                                const v1::GetSearchJobRequest* request,
                                                v1::SearchJob* response) {
  const Call got(parts_, context, "hwnas.v1.SearchService/GetSearchJob", request->name());
  return got.run([this, request, response](const Call& call) {
    const JobName name = parse_search_job("name", request->name());
    call.require(name.tenant);
    *response = to_message(parts_.jobs.read().job(name));
    call.finish();
  });
}

ServerUnaryReactor* SearchService::ListSearchJobs(CallbackServerContext* context,
                                                  const v1::ListSearchJobsRequest* request,
                                                  v1::ListSearchJobsResponse* response) {
  const Call listed(parts_, context, "hwnas.v1.SearchService/ListSearchJobs", request->parent());
  return listed.run([this, request, response](const Call& call) {
    JobQuery query;
    query.tenant = parse_tenant("parent", request->parent());
    call.require(query.tenant);
    query.filter = request->filter();
    query.matches = job_filter(request->filter());
    query.page_size = static_cast<int>(checked_page_size(request->page_size()));
    query.page_token = request->page_token();
    const JobPage page = parts_.jobs.read().list(query);
    for (const JobRecord& job : page.jobs) *response->add_search_jobs() = to_message(job);
    response->set_next_page_token(page.next_page_token);
    call.finish();
  });
}

grpc::ServerWriteReactor<v1::WatchSearchJobResponse>* SearchService::WatchSearchJob(
    CallbackServerContext* context, const v1::WatchSearchJobRequest* request) {
  return watchers_.open(*request, credentials_of(*context));
}

ServerUnaryReactor* SearchService::CancelSearchJob(CallbackServerContext* context,
                                                   const v1::CancelSearchJobRequest* request,
                                                   v1::SearchJob* response) {
  const Call cancelled(parts_, context, "hwnas.v1.SearchService/CancelSearchJob", request->name());
  return cancelled.run([this, request, response](const Call& call) {
    const JobName name = parse_search_job("name", request->name());
    call.require(name.tenant);
    parts_.jobs.cancel(name, request->etag(), request_key(*request, request->request_id()),
                       answer_with<JobRecord>(call, [response](const JobRecord& job) {
                         *response = to_message(job);
                       }));
  });
}

ServerUnaryReactor* SearchService::DeleteSearchJob(CallbackServerContext* context,
                                                   const v1::DeleteSearchJobRequest* request,
                                                   google::protobuf::Empty*) {
  const Call deleted(parts_, context, "hwnas.v1.SearchService/DeleteSearchJob", request->name());
  return deleted.run([this, request](const Call& call) {
    const JobName name = parse_search_job("name", request->name());
    call.require(name.tenant);
    parts_.jobs.remove(name, request->etag(), request_key(*request, request->request_id()),
                       answer_with<JobRecord>(call, [](const JobRecord&) {}));
  });
}

ServerUnaryReactor* SearchService::ValidateSearchJob(CallbackServerContext* context,
                                                     const v1::ValidateSearchJobRequest* request,
                                                     v1::ValidateSearchJobResponse* response) {
  const Call validated(parts_, context, "hwnas.v1.SearchService/ValidateSearchJob",
                       request->parent());
  return validated.check_and_run([this, request, response](const Call& call) {
    const std::string tenant = parse_tenant("parent", request->parent());
    call.require(tenant);
    const SubmissionRules rules = rules_of(parts_, tenant);
    const std::vector<std::string> faults = faults_of(request->experiment(), rules);
    if (faults.empty()) {
      const engine::Experiment experiment =
          read_submission(request->experiment(), rules.datasets, rules.devices).experiment;
      response->set_planned_trials(static_cast<std::int64_t>(experiment.trials));
      response->set_space_size_log10(spaces::log10_size(*space_of(experiment)));
    }
    for (const std::string& message : faults) {
      const TextFaultPlace place = place_of_fault(message, kSubmissionSource);
      auto& fault = *response->add_faults();
      fault.set_line(place.line);
      fault.set_column(place.column);
      fault.set_key(place.key);
      fault.set_description(place.description);
    }
    call.finish();
  });
}

ServerUnaryReactor* SearchService::ListTrials(CallbackServerContext* context,
                                              const v1::ListTrialsRequest* request,
                                              v1::ListTrialsResponse* response) {
  const Call listed(parts_, context, "hwnas.v1.SearchService/ListTrials", request->parent());
  return listed.run([this, request, response](const Call& call) {
    const JobName job = parse_search_job("parent", request->parent());
    call.require(job.tenant);
    trial_filter(request->filter());  // also while there is no run
    checked_page_size(request->page_size());
    const PageTokens& tokens = parts_.store.page_tokens();
    const std::filesystem::path run = run_of(parts_, job);
    const std::string arguments = fmt::format("trials of {}, {}", run.string(), request->filter());
    const std::size_t begin = request->page_token().empty()
                                  ? 0
                                  : std::stoull(tokens.read(request->page_token(), arguments));
    if (engine::holds_run(run)) {
      const std::size_t next = fill_page(engine::StoreReader(run), job, begin, *request, *response);
      if (next > 0) response->set_next_page_token(tokens.make(std::to_string(next), arguments));
    }
    call.finish();
  });
}

ServerUnaryReactor* SearchService::GetParetoFront(CallbackServerContext* context,
                                                  const v1::GetParetoFrontRequest* request,
                                                  v1::ParetoFront* response) {
  const Call got(parts_, context, "hwnas.v1.SearchService/GetParetoFront", request->name());
  return got.run([this, request, response](const Call& call) {
    const JobName job = parse_search_job("name", request->name());
    call.require(job.tenant);
    // Before the run is read: who watches from here hears of all that comes after.
    response->set_revision(parts_.jobs.read().last_revision());
    const std::filesystem::path run = run_of(parts_, job);
    if (engine::holds_run(run)) fill_front(engine::StoreReader(run), job, *response);
    call.finish();
  });
}

ServerUnaryReactor* SearchService::ListArtifacts(CallbackServerContext* context,
                                                 const v1::ListArtifactsRequest* request,
                                                 v1::ListArtifactsResponse* response) {
  const Call listed(parts_, context, "hwnas.v1.SearchService/ListArtifacts", request->parent());
  return listed.run([this, request, response](const Call& call) {
    const JobName job = parse_job_name("parent", request->parent());
    call.require(job.tenant);
    const std::filesystem::path run = run_of(parts_, job);
    const std::string arguments = "artifacts of " + run.string();
    const PageTokens& tokens = parts_.store.page_tokens();
    const std::vector<JobArtifact> artifacts = artifacts_of(run, job);
    std::size_t next = request->page_token().empty()
                           ? 0
                           : std::stoull(tokens.read(request->page_token(), arguments));
    const std::size_t end =
        std::min(next + checked_page_size(request->page_size()), artifacts.size());
    for (; next < end; ++next) *response->add_artifacts() = artifacts[next].message;
    if (next < artifacts.size()) {
      response->set_next_page_token(tokens.make(std::to_string(next), arguments));
    }
    call.finish();
  });
}

grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* SearchService::DownloadArtifact(
    CallbackServerContext* context, const v1::DownloadArtifactRequest* request) {
  return open_download(parts_, *request, credentials_of(*context));
}

}  // namespace hwnas::service
