#include "tests/client/fake_daemon.hpp"

#include <fmt/format.h>

#include <chrono>

namespace hwnas::client {

using namespace std::chrono_literals;

FakeDaemon::FakeDaemon(std::shared_ptr<grpc::ServerCredentials> credentials)
    : address_(credentials ? "127.0.0.1:0" : "unix:" + (folder_ / "s").string()) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address_, credentials ? credentials : grpc::InsecureServerCredentials(),
                           &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  if (credentials) address_ = fmt::format("127.0.0.1:{}", port);
}

FakeDaemon::~FakeDaemon() {
  server_->Shutdown(std::chrono::system_clock::now());
}

RetryPolicy FakeDaemon::quick() {
  return {.first_delay = 1ms,
          .max_delay = 4ms,
          .give_up_after = 100ms,
          .give_up_stream_after = 10s,
          .deadline = 10s};
}

SearchClient FakeDaemon::client(RetryPolicy policy) const {
  return SearchClient({.server = address(), .tenant = "acme"}, policy);
}

grpc::Status FakeDaemon::CreateSearchJob(grpc::ServerContext*,
                                         const v1::CreateSearchJobRequest* request,
                                         v1::SearchJob* response) {
  return create(*request, *response);
}

grpc::Status FakeDaemon::GetSearchJob(grpc::ServerContext*, const v1::GetSearchJobRequest* request,
                                      v1::SearchJob* response) {
  return get(*request, *response);
}

grpc::Status FakeDaemon::ListSearchJobs(grpc::ServerContext*,
                                        const v1::ListSearchJobsRequest* request,
                                        v1::ListSearchJobsResponse* response) {
  return list(*request, *response);
}

grpc::Status FakeDaemon::WatchSearchJob(grpc::ServerContext* context,
                                        const v1::WatchSearchJobRequest* request,
                                        grpc::ServerWriter<v1::WatchSearchJobResponse>* writer) {
  return watch(*context, *request, *writer);
}

grpc::Status FakeDaemon::DownloadArtifact(
    grpc::ServerContext* context, const v1::DownloadArtifactRequest* request,
    grpc::ServerWriter<v1::DownloadArtifactResponse>* writer) {
  return download(*context, *request, *writer);
}

}  // namespace hwnas::client
