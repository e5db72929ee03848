#pragma once

#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

#include "client/search_client.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::client {

/// A hwnasd in this process that answers as a test says.
class FakeDaemon final : public v1::SearchService::Service {
 public:
  /// On a Unix socket or, with credentials, on a port of this machine.
  explicit FakeDaemon(std::shared_ptr<grpc::ServerCredentials> credentials = nullptr);
  ~FakeDaemon() override;

  /// Does not wait long, and has no token.
  SearchClient client(RetryPolicy policy = quick()) const;
  static RetryPolicy quick();
  const std::string& address() const { return address_; }

  template <typename Request, typename Response>
  using Unary = std::function<grpc::Status(const Request&, Response&)>;
  template <typename Request, typename Response>
  using Stream = std::function<grpc::Status(grpc::ServerContext&, const Request&,
                                            grpc::ServerWriter<Response>&)>;
  Unary<v1::CreateSearchJobRequest, v1::SearchJob> create;
  Unary<v1::GetSearchJobRequest, v1::SearchJob> get;
  Unary<v1::ListSearchJobsRequest, v1::ListSearchJobsResponse> list;
  Stream<v1::WatchSearchJobRequest, v1::WatchSearchJobResponse> watch;
  Stream<v1::DownloadArtifactRequest, v1::DownloadArtifactResponse> download;

 private:
  grpc::Status CreateSearchJob(grpc::ServerContext* context,
                               const v1::CreateSearchJobRequest* request,
                               v1::SearchJob* response) override;
  grpc::Status GetSearchJob(grpc::ServerContext* context, const v1::GetSearchJobRequest* request,
                            v1::SearchJob* response) override;
  grpc::Status ListSearchJobs(grpc::ServerContext* context,
                              const v1::ListSearchJobsRequest* request,
                              v1::ListSearchJobsResponse* response) override;
  grpc::Status WatchSearchJob(grpc::ServerContext* context,
                              const v1::WatchSearchJobRequest* request,
                              grpc::ServerWriter<v1::WatchSearchJobResponse>* writer) override;
  grpc::Status DownloadArtifact(grpc::ServerContext* context,
                                const v1::DownloadArtifactRequest* request,
                                grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) override;

  TemporaryFolder folder_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

inline grpc::Status unavailable() {
  return {grpc::StatusCode::UNAVAILABLE, "cut"};
}

}  // namespace hwnas::client
