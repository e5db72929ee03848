#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <map>
#include <mutex>

#include "hwnas/v1/dataset_service.grpc.pb.h"
#include "service/server_parts.hpp"
#include "service/upload_store.hpp"
#include "service/worker_pool.hpp"

namespace hwnas::service {

v1::Upload to_message(const UploadRecord& upload);

/// The streams of WriteUpload that are open, at most one an upload. Thread-safe.
class UploadStreams {
 public:
  /// All outlive the server. `pool`: for writing and checking, which takes longer than calls may
  /// wait for.
  UploadStreams(ServerParts& parts, UploadStore& uploads, WorkerPool& pool)
      : parts_(parts), uploads_(uploads), pool_(pool) {}

  /// The stream of one call. What has come is stored however it ends.
  grpc::ServerReadReactor<v1::WriteUploadRequest>* open(grpc::CallbackServerContext* context,
                                                        v1::Upload* response);

 private:
  friend class UploadStream;
  friend class UploadTurn;

  ServerParts& parts_;
  UploadStore& uploads_;
  WorkerPool& pool_;
  std::mutex mutex_;
  std::map<std::int64_t, grpc::CallbackServerContext*> writing_;  // by upload
};

}  // namespace hwnas::service
