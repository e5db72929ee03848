#pragma once

#include <functional>
#include <string>

#include "engine/store.hpp"
#include "hwnas/v1/search_service.pb.h"
#include "service/job_store.hpp"
#include "service/network_quota.hpp"
#include "service/submission.hpp"

namespace hwnas::service {

// What SearchService's requests ask for, checked: InvalidField otherwise.

/// The name of a search job.
JobName parse_search_job(const std::string& field, const std::string& name);

/// What one tenant's experiments are checked with.
struct SubmissionRules {
  TenantDatasets datasets;
  DeviceProfiles devices;
  NetworkQuota networks;
};

/// All faults for which a job with this experiment would be refused: those of its text (see
/// faults_of_submission), else networks over the quota.
std::vector<std::string> faults_of(const std::string& text, const SubmissionRules& rules);

/// Also checks the experiment, and puts the profile of a tenant's device into it. Makes the job's
/// id of the experiment's name where the request gives none.
NewJob new_job(const v1::CreateSearchJobRequest& request, const SubmissionRules& rules);

/// What the `filter` of ListSearchJobs lets through: by state, priority, display_name, create_time.
std::function<bool(const JobRecord&)> job_filter(const std::string& filter);

/// The same of ListTrials: by state, on_front, id, and metrics by name. Of several values of a
/// metric the measured one counts before the emulated before the predicted.
std::function<bool(const engine::TrialRecord&, bool on_front)> trial_filter(
    const std::string& filter);

}  // namespace hwnas::service
