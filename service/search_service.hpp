#pragma once

#include "hwnas/v1/search_service.grpc.pb.h"
#include "service/server_parts.hpp"
#include "service/watch.hpp"

namespace hwnas::service {

/// Serves hwnas.v1.SearchService. gRPC's threads only pass calls on: checks and reading happen in
/// the pool, and what changes something is answered by the store's thread when the disk has it.
class SearchService final : public v1::SearchService::CallbackService {
 public:
  /// All of `parts` and `watchers` outlive the server.
  SearchService(ServerParts& parts, Watchers& watchers) : parts_(parts), watchers_(watchers) {}

  grpc::ServerUnaryReactor* CreateSearchJob(grpc::CallbackServerContext* context,
                                            const v1::CreateSearchJobRequest* request,
                                            v1::SearchJob* response) override;
  grpc::ServerUnaryReactor* GetSearchJob(grpc::CallbackServerContext* context,
                                         const v1::GetSearchJobRequest* request,
                                         v1::SearchJob* response) override;
  grpc::ServerUnaryReactor* ListSearchJobs(grpc::CallbackServerContext* context,
                                           const v1::ListSearchJobsRequest* request,
                                           v1::ListSearchJobsResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchSearchJobResponse>* WatchSearchJob(
      grpc::CallbackServerContext* context, const v1::WatchSearchJobRequest* request) override;
  grpc::ServerUnaryReactor* CancelSearchJob(grpc::CallbackServerContext* context,
                                            const v1::CancelSearchJobRequest* request,
                                            v1::SearchJob* response) override;
  grpc::ServerUnaryReactor* DeleteSearchJob(grpc::CallbackServerContext* context,
                                            const v1::DeleteSearchJobRequest* request,
                                            google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* ValidateSearchJob(grpc::CallbackServerContext* context,
                                              const v1::ValidateSearchJobRequest* request,
                                              v1::ValidateSearchJobResponse* response) override;
  grpc::ServerUnaryReactor* ListTrials(grpc::CallbackServerContext* context,
                                       const v1::ListTrialsRequest* request,
                                       v1::ListTrialsResponse* response) override;
  grpc::ServerUnaryReactor* GetParetoFront(grpc::CallbackServerContext* context,
                                           const v1::GetParetoFrontRequest* request,
                                           v1::ParetoFront* response) override;
  grpc::ServerUnaryReactor* ListArtifacts(grpc::CallbackServerContext* context,
                                          const v1::ListArtifactsRequest* request,
                                          v1::ListArtifactsResponse* response) override;
  grpc::ServerWriteReactor<v1::DownloadArtifactResponse>* DownloadArtifact(
      grpc::CallbackServerContext* context, const v1::DownloadArtifactRequest* request) override;

 private:
  ServerParts& parts_;
  Watchers& watchers_;
};

}  // namespace hwnas::service
