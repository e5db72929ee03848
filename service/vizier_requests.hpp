#pragma once

#include "service/study_store.hpp"
#include "vizier/vizier_service.pb.h"

namespace hwnas::service {

// What VizierService's requests ask for, checked: InvalidField otherwise.

/// The study to be stored: ACTIVE unless the request says otherwise.
vizier::Study new_study(const vizier::CreateStudyRequest& request);
/// 1 to 1000 trials; 1 for 0.
TrialsWanted trials_wanted(const vizier::SuggestTrialsRequest& request);
/// Done, with the suggestion as its response.
google::longrunning::Operation operation_of(const OperationName& name,
                                            const vizier::SuggestTrialsResponse& response);
/// The ids of trials, and that each update has content.
void check(const vizier::UpdateMetadataRequest& request);

}  // namespace hwnas::service
