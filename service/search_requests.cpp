#include "service/search_requests.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "engine/front.hpp"
#include "service/error_status.hpp"
#include "service/filter.hpp"
#include "service/messages.hpp"
#include "service/page_token.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

constexpr std::size_t kMadeIdNameBytes = 54;
constexpr std::size_t kMadeIdDigits = 8;

/// Each fault of the text is a violation of the request's field.
Submission checked_submission(const std::string& field, const std::string& text,
                              const SubmissionRules& rules) {
  std::vector<FieldViolation> violations;
  for (const std::string& fault : faults_of(text, rules)) {
    violations.push_back(violation_of(field, fault, kSubmissionSource));
  }
  if (!violations.empty()) throw InvalidFields(std::move(violations));
  return read_submission(text, rules.datasets, rules.devices);
}

std::string make_id(const std::string& experiment_name) {
  return experiment_name.substr(0, kMadeIdNameBytes) + "-" + random_key().substr(0, kMadeIdDigits);
}

/// Of an enum of the interface, without that for "unspecified".
std::vector<std::string> names_of(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 1; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  return names;
}

FilterValue metric_of(const engine::TrialRecord& trial, const std::string& name) {
  const bool known = std::ranges::count(trial.metrics, name, &report::MetricValue::name) > 0;
  return known ? FilterValue(engine::best_known_value(trial.metrics, name)) : FilterValue();
}

}  // namespace

JobName parse_search_job(const std::string& field, const std::string& name) {
  JobName job = parse_job_name(field, name);
  if (job.kind != JobKind::kSearch) {
    throw InvalidField(field, "no search job: tenants/ID/searchJobs/ID is expected");
  }
  return job;
}

std::vector<std::string> faults_of(const std::string& text, const SubmissionRules& rules) {
  std::vector<std::string> faults = faults_of_submission(text, rules.datasets, rules.devices);
  if (!faults.empty()) return faults;
  const Submission submission = read_submission(text, rules.datasets, rules.devices);
  try {
    require_within(rules.networks, submission.experiment);
  } catch (const Error& fault) {
    faults.emplace_back(fault.what());
  }
  return faults;
}

NewJob new_job(const v1::CreateSearchJobRequest& request, const SubmissionRules& rules) {
  const v1::SearchJob& asked = request.search_job();
  require_display_name("search_job.display_name", asked.display_name());
  require_priority("search_job.priority", asked.priority());
  if (!request.search_job_id().empty()) require_id("search_job_id", request.search_job_id());
  const std::string tenant = parse_tenant("parent", request.parent());
  const Submission submission =
      checked_submission("search_job.experiment", asked.experiment(), rules);
  NewJob job;
  job.name = {tenant, JobKind::kSearch,
              request.search_job_id().empty() ? make_id(submission.experiment.name)
                                              : request.search_job_id()};
  job.display_name = asked.display_name();
  job.specification = submission.specification;
  job.priority = asked.priority();
  job.planned_trials = static_cast<std::int64_t>(submission.experiment.trials);
  return job;
}

std::function<bool(const JobRecord&)> job_filter(const std::string& filter) {
  static const FilterSchema schema{
      {{"state", FilterType::kEnum, names_of(*v1::SearchJob::State_descriptor())},
       {"priority", FilterType::kInteger},
       {"display_name", FilterType::kString},
       {"create_time", FilterType::kTimestamp}}};
  return [parsed = Filter::parse(filter, schema)](const JobRecord& job) {
    return parsed.matches([&](const std::string& field) -> FilterValue {
      if (field == "state") return std::string(to_string(job.state));
      if (field == "priority") return std::int64_t{job.priority};
      if (field == "display_name") return job.display_name;
      return job.create_time;
    });
  };
}

std::function<bool(const engine::TrialRecord&, bool)> trial_filter(const std::string& filter) {
  static const FilterSchema schema{
      {{"state", FilterType::kEnum, names_of(*v1::Trial::State_descriptor())},
       {"on_front", FilterType::kBoolean},
       {"id", FilterType::kInteger}},
      true};
  return [parsed = Filter::parse(filter, schema)](const engine::TrialRecord& trial, bool on_front) {
    return parsed.matches([&](const std::string& field) -> FilterValue {
      if (field == "state") return v1::Trial::State_Name(to_message(trial.state));
      if (field == "on_front") return on_front;
      if (field == "id") return static_cast<std::int64_t>(trial.id);
      return metric_of(trial, field);
    });
  };
}

}  // namespace hwnas::service
