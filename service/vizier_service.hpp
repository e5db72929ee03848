#pragma once

#include "service/server_parts.hpp"
#include "service/study_store.hpp"
#include "service/suggester.hpp"
#include "vizier/vizier_service.grpc.pb.h"

namespace hwnas::service {

/// Serves vizier.VizierService: our strategies by ask and tell. docs/vizier.md says what differs
/// from other servers of this interface.
class VizierService final : public vizier::VizierService::CallbackService {
 public:
  using Context = grpc::CallbackServerContext;
  using Reactor = grpc::ServerUnaryReactor;

  /// All of it outlives the server.
  VizierService(ServerParts& parts, StudyStore& studies, Suggester& suggester)
      : parts_(parts), studies_(studies), suggester_(suggester) {}

  Reactor* CreateStudy(Context* context, const vizier::CreateStudyRequest* request,
                       vizier::Study* response) override;
  Reactor* GetStudy(Context* context, const vizier::GetStudyRequest* request,
                    vizier::Study* response) override;
  Reactor* ListStudies(Context* context, const vizier::ListStudiesRequest* request,
                       vizier::ListStudiesResponse* response) override;
  Reactor* DeleteStudy(Context* context, const vizier::DeleteStudyRequest* request,
                       google::protobuf::Empty* response) override;
  Reactor* SetStudyState(Context* context, const vizier::SetStudyStateRequest* request,
                         vizier::Study* response) override;
  Reactor* SuggestTrials(Context* context, const vizier::SuggestTrialsRequest* request,
                         google::longrunning::Operation* response) override;
  Reactor* GetOperation(Context* context, const google::longrunning::GetOperationRequest* request,
                        google::longrunning::Operation* response) override;
  Reactor* CreateTrial(Context* context, const vizier::CreateTrialRequest* request,
                       vizier::Trial* response) override;
  Reactor* GetTrial(Context* context, const vizier::GetTrialRequest* request,
                    vizier::Trial* response) override;
  Reactor* ListTrials(Context* context, const vizier::ListTrialsRequest* request,
                      vizier::ListTrialsResponse* response) override;
  Reactor* AddTrialMeasurement(Context* context, const vizier::AddTrialMeasurementRequest* request,
                               vizier::Trial* response) override;
  Reactor* CompleteTrial(Context* context, const vizier::CompleteTrialRequest* request,
                         vizier::Trial* response) override;
  Reactor* DeleteTrial(Context* context, const vizier::DeleteTrialRequest* request,
                       google::protobuf::Empty* response) override;
  Reactor* CheckTrialEarlyStoppingState(
      Context* context, const vizier::CheckTrialEarlyStoppingStateRequest* request,
      vizier::CheckTrialEarlyStoppingStateResponse* response) override;
  Reactor* StopTrial(Context* context, const vizier::StopTrialRequest* request,
                     vizier::Trial* response) override;
  Reactor* ListOptimalTrials(Context* context, const vizier::ListOptimalTrialsRequest* request,
                             vizier::ListOptimalTrialsResponse* response) override;
  Reactor* UpdateMetadata(Context* context, const vizier::UpdateMetadataRequest* request,
                          vizier::UpdateMetadataResponse* response) override;

 private:
  ServerParts& parts_;
  StudyStore& studies_;
  Suggester& suggester_;
};

}  // namespace hwnas::service
