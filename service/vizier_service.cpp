#include "service/vizier_service.hpp"

#include "service/call.hpp"
#include "service/request_fields.hpp"
#include "service/study_front.hpp"
#include "service/study_trial.hpp"
#include "service/vizier_requests.hpp"

namespace hwnas::service {
namespace {

using vizier::Study;
using vizier::Trial;

/// Answers with what the store gives.
template <typename Message>
Callback<Message> answer(const Call& call, Message* response) {
  return answer_with<Message>(call, [response](const Message& message) { *response = message; });
}

}  // namespace

VizierService::Reactor* VizierService::CreateStudy(Context* context,
                                                   const vizier::CreateStudyRequest* request,
                                                   Study* response) {
  const Call created(parts_, context, "vizier.VizierService/CreateStudy", request->parent());
  return created.run([this, request, response](const Call& call) {
    const std::string tenant = parse_owner("parent", request->parent());
    call.require(tenant);
    Study study = new_study(*request);
    StudyName name{tenant, study.display_name()};
    studies_.create(std::move(name), std::move(study), answer(call, response));
  });
}

VizierService::Reactor* VizierService::GetStudy(Context* context,
                                                const vizier::GetStudyRequest* request,
                                                Study* response) {
  const Call got(parts_, context, "vizier.VizierService/GetStudy", request->name());
  return got.run([this, request, response](const Call& call) {
    const StudyName name = parse_study("name", request->name());
    call.require(name.tenant);
    *response = studies_.read().study(name);
    call.finish();
  });
}

VizierService::Reactor* VizierService::ListStudies(Context* context,
                                                   const vizier::ListStudiesRequest* request,
                                                   vizier::ListStudiesResponse* response) {
  const Call listed(parts_, context, "vizier.VizierService/ListStudies", request->parent());
  return listed.run([this, request, response](const Call& call) {
    const std::string tenant = parse_owner("parent", request->parent());
    call.require(tenant);
    auto page = studies_.read().studies(tenant, request->page_size(), request->page_token());
    for (Study& study : page.messages) *response->add_studies() = std::move(study);
    response->set_next_page_token(page.next_page_token);
    call.finish();
  });
}

VizierService::Reactor* VizierService::DeleteStudy(Context* context,
                                                   const vizier::DeleteStudyRequest* request,
                                                   google::protobuf::Empty*) {
  const Call deleted(parts_, context, "vizier.VizierService/DeleteStudy", request->name());
  return deleted.run([this, request](const Call& call) {
    const StudyName name = parse_study("name", request->name());
    call.require(name.tenant);
    studies_.remove(name, answer_with<Study>(call, [](const Study&) {}));
  });
}

VizierService::Reactor* VizierService::SetStudyState(Context* context,
                                                     const vizier::SetStudyStateRequest* request,
                                                     Study* response) {
  const Call changed(parts_, context, "vizier.VizierService/SetStudyState", request->parent());
  return changed.run([this, request, response](const Call& call) {
    const StudyName name = parse_study("parent", request->parent());
    call.require(name.tenant);
    if (!Study::State_IsValid(request->state()) || request->state() == Study::STATE_UNSPECIFIED) {
      throw InvalidField("state", "give ACTIVE, INACTIVE or COMPLETED");
    }
    studies_.set_state(name, request->state(), answer(call, response));
  });
}

VizierService::Reactor* VizierService::SuggestTrials(Context* context,
                                                     const vizier::SuggestTrialsRequest* request,
                                                     google::longrunning::Operation* response) {
  const Call suggested(parts_, context, "vizier.VizierService/SuggestTrials", request->parent());
  return suggested.run([this, request, response](const Call& call) {
    const StudyName name = parse_study("parent", request->parent());
    call.require(name.tenant);
    suggester_.suggest(
        name, trials_wanted(*request),
        answer_with<Suggested>(call, [name, request, response](const Suggested& s) {
          *response = operation_of({name, request->client_id(), s.number}, s.response);
        }));
  });
}

VizierService::Reactor* VizierService::GetOperation(
    Context* context, const google::longrunning::GetOperationRequest* request,
    google::longrunning::Operation* response) {
  const Call got(parts_, context, "vizier.VizierService/GetOperation", request->name());
  return got.run([this, request, response](const Call& call) {
    const OperationName name = parse_operation("name", request->name());
    call.require(name.study.tenant);
    *response = operation_of(name, studies_.read().suggestion(name));
    call.finish();
  });
}

VizierService::Reactor* VizierService::CreateTrial(Context* context,
                                                   const vizier::CreateTrialRequest* request,
                                                   Trial* response) {
  const Call created(parts_, context, "vizier.VizierService/CreateTrial", request->parent());
  return created.run([this, request, response](const Call& call) {
    const StudyName name = parse_study("parent", request->parent());
    call.require(name.tenant);
    require_bounded(request->trial(), "trial");
    studies_.add_trial(name, new_trial(request->trial(), studies_.now()), answer(call, response));
  });
}

VizierService::Reactor* VizierService::GetTrial(Context* context,
                                                const vizier::GetTrialRequest* request,
                                                Trial* response) {
  const Call got(parts_, context, "vizier.VizierService/GetTrial", request->name());
  return got.run([this, request, response](const Call& call) {
    const TrialName name = parse_trial("name", request->name());
    call.require(name.study.tenant);
    *response = studies_.read().trial(name);
    call.finish();
  });
}

VizierService::Reactor* VizierService::ListTrials(Context* context,
                                                  const vizier::ListTrialsRequest* request,
                                                  vizier::ListTrialsResponse* response) {
  const Call listed(parts_, context, "vizier.VizierService/ListTrials", request->parent());
  return listed.run([this, request, response](const Call& call) {
    const StudyName name = parse_study("parent", request->parent());
    call.require(name.tenant);
    auto page = studies_.read().trials(name, request->page_size(), request->page_token());
    for (Trial& trial : page.messages) *response->add_trials() = std::move(trial);
    response->set_next_page_token(page.next_page_token);
    call.finish();
  });
}

VizierService::Reactor* VizierService::AddTrialMeasurement(
    Context* context, const vizier::AddTrialMeasurementRequest* request, Trial* response) {
  const Call added(parts_, context, "vizier.VizierService/AddTrialMeasurement",
                   request->trial_name());
  return added.run([this, request, response](const Call& call) {
    const TrialName name = parse_trial("trial_name", request->trial_name());
    call.require(name.study.tenant);
    studies_.edit_trial(
        name, [request](Trial& trial) { add_measurement(trial, request->measurement()); },
        answer(call, response));
  });
}

VizierService::Reactor* VizierService::CompleteTrial(Context* context,
                                                     const vizier::CompleteTrialRequest* request,
                                                     Trial* response) {
  const Call completed(parts_, context, "vizier.VizierService/CompleteTrial", request->name());
  return completed.run([this, request, response](const Call& call) {
    const TrialName name = parse_trial("name", request->name());
    call.require(name.study.tenant);
    studies_.edit_trial(
        name, [this, request](Trial& trial) { complete(trial, *request, studies_.now()); },
        answer(call, response));
  });
}

VizierService::Reactor* VizierService::DeleteTrial(Context* context,
                                                   const vizier::DeleteTrialRequest* request,
                                                   google::protobuf::Empty*) {
  const Call deleted(parts_, context, "vizier.VizierService/DeleteTrial", request->name());
  return deleted.run([this, request](const Call& call) {
    const TrialName name = parse_trial("name", request->name());
    call.require(name.study.tenant);
    studies_.remove_trial(name, answer_with<Trial>(call, [](const Trial&) {}));
  });
}

VizierService::Reactor* VizierService::CheckTrialEarlyStoppingState(
    Context* context, const vizier::CheckTrialEarlyStoppingStateRequest* request,
    vizier::CheckTrialEarlyStoppingStateResponse* response) {
  const Call checked(parts_, context, "vizier.VizierService/CheckTrialEarlyStoppingState",
                     request->trial_name());
  return checked.run([this, request, response](const Call& call) {
    const TrialName name = parse_trial("trial_name", request->trial_name());
    call.require(name.study.tenant);
    suggester_.should_stop(
        name, answer_with<bool>(call, [response](bool stop) { response->set_should_stop(stop); }));
  });
}

VizierService::Reactor* VizierService::StopTrial(Context* context,
                                                 const vizier::StopTrialRequest* request,
                                                 Trial* response) {
  const Call stopped(parts_, context, "vizier.VizierService/StopTrial", request->name());
  return stopped.run([this, request, response](const Call& call) {
    const TrialName name = parse_trial("name", request->name());
    call.require(name.study.tenant);
    studies_.edit_trial(name, stop, answer(call, response));
  });
}

VizierService::Reactor* VizierService::ListOptimalTrials(
    Context* context, const vizier::ListOptimalTrialsRequest* request,
    vizier::ListOptimalTrialsResponse* response) {
  const Call listed(parts_, context, "vizier.VizierService/ListOptimalTrials", request->parent());
  return listed.run([this, request, response](const Call& call) {
    const StudyName name = parse_study("parent", request->parent());
    call.require(name.tenant);
    for (Trial& trial : optimal_trials(studies_.read(), name)) {
      *response->add_optimal_trials() = std::move(trial);
    }
    call.finish();
  });
}

VizierService::Reactor* VizierService::UpdateMetadata(Context* context,
                                                      const vizier::UpdateMetadataRequest* request,
                                                      vizier::UpdateMetadataResponse* response) {
  const Call updated(parts_, context, "vizier.VizierService/UpdateMetadata", request->name());
  return updated.run([this, request, response](const Call& call) {
    const StudyName name = parse_study("name", request->name());
    call.require(name.tenant);
    check(*request);
    (void)studies_.read().active_head(name);
    studies_.update_metadata(*request, name, [call, response](const Outcome<Study>& outcome) {
      try {
        outcome.get();
      } catch (const Error& failure) {
        // That is how this interface says that a trial is not there.
        if (failure.code() != ErrorCode::kNotFound) return call.fail(std::current_exception());
        response->set_error_details(failure.what());
      } catch (const std::exception&) {
        return call.fail(std::current_exception());
      }
      call.finish();
    });
  });
}

}  // namespace hwnas::service
