#include "service/vizier_requests.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "service/error_status.hpp"
#include "service/study_plan.hpp"
#include "service/study_trial.hpp"

namespace hwnas::service {
namespace {

constexpr int kMaxSuggestions = 1000;

}  // namespace

vizier::Study new_study(const vizier::CreateStudyRequest& request) {
  vizier::Study study = request.study();
  if (!study.name().empty()) {
    throw InvalidField("study.name", "leave it empty: it is made of the display_name");
  }
  if (!is_study_id(study.display_name())) {
    throw InvalidField("study.display_name", "give 1 to 128 bytes of UTF-8 without '/'");
  }
  const StudyPlan checked(study.study_spec());
  require_bounded(study, "study");
  if (study.state() == vizier::Study::STATE_UNSPECIFIED) study.set_state(vizier::Study::ACTIVE);
  return study;
}

TrialsWanted trials_wanted(const vizier::SuggestTrialsRequest& request) {
  if (request.suggestion_count() < 0 || request.suggestion_count() > kMaxSuggestions) {
    throw InvalidField(
        "suggestion_count",
        fmt::format("{} is not between 1 and {}", request.suggestion_count(), kMaxSuggestions));
  }
  if (!is_study_id(request.client_id())) {
    throw InvalidField("client_id", "give 1 to 128 bytes of UTF-8 without '/'");
  }
  return {request.client_id(), std::max(1, request.suggestion_count())};
}

google::longrunning::Operation operation_of(const OperationName& name,
                                            const vizier::SuggestTrialsResponse& response) {
  google::longrunning::Operation operation;
  operation.set_name(name.text());
  operation.set_done(true);
  operation.mutable_response()->PackFrom(response);
  return operation;
}

void check(const vizier::UpdateMetadataRequest& request) {
  for (int i = 0; i < request.delta_size(); ++i) {
    const std::string field = fmt::format("delta[{}]", i);
    const vizier::UnitMetadataUpdate& update = request.delta(i);
    if (update.has_trial_id()) parse_trial_id(field + ".trial_id", update.trial_id());
    if (update.metadatum().key().empty()) {
      throw InvalidField(field + ".metadatum.key", "is empty: give one");
    }
  }
}

}  // namespace hwnas::service
