#pragma once

#include "hwnas/v1/compression_service.grpc.pb.h"
#include "service/server_parts.hpp"
#include "service/upload_store.hpp"

namespace hwnas::service {

/// Serves hwnas.v1.CompressionService: jobs beside the search jobs, in the same store and queue.
class CompressionService final : public v1::CompressionService::CallbackService {
 public:
  /// Both outlive the server.
  CompressionService(ServerParts& parts, const UploadStore& uploads)
      : parts_(parts), uploads_(uploads) {}

  grpc::ServerUnaryReactor* CreateCompressionJob(grpc::CallbackServerContext* context,
                                                 const v1::CreateCompressionJobRequest* request,
                                                 v1::CompressionJob* response) override;
  grpc::ServerUnaryReactor* GetCompressionJob(grpc::CallbackServerContext* context,
                                              const v1::GetCompressionJobRequest* request,
                                              v1::CompressionJob* response) override;
  grpc::ServerUnaryReactor* ListCompressionJobs(grpc::CallbackServerContext* context,
                                                const v1::ListCompressionJobsRequest* request,
                                                v1::ListCompressionJobsResponse* response) override;
  grpc::ServerUnaryReactor* CancelCompressionJob(grpc::CallbackServerContext* context,
                                                 const v1::CancelCompressionJobRequest* request,
                                                 v1::CompressionJob* response) override;
  grpc::ServerUnaryReactor* DeleteCompressionJob(grpc::CallbackServerContext* context,
                                                 const v1::DeleteCompressionJobRequest* request,
                                                 google::protobuf::Empty* response) override;

 private:
  ServerParts& parts_;
  const UploadStore& uploads_;
};

}  // namespace hwnas::service
