#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hwnas/v1/dataset_service.grpc.pb.h"
#include "service/dataset_reading.hpp"
#include "service/dataset_requests.hpp"
#include "service/server_parts.hpp"
#include "service/upload_keeper.hpp"
#include "service/upload_stream.hpp"

namespace hwnas::service {

/// Serves hwnas.v1.DatasetService. The bytes of uploads and the reading of data sets have threads
/// of their own: quick calls do not wait for them.
class DatasetService final : public v1::DatasetService::CallbackService {
 public:
  /// All outlive the server. `reader`: see DatasetReadingOptions::program.
  DatasetService(ServerParts& parts, UploadStore& uploads, DatasetStore& datasets,
                 std::vector<std::string> reader);

  /// Ends the reading of data sets, so that calls end.
  void stop() { reading_.stop(); }

  grpc::ServerUnaryReactor* CreateUpload(grpc::CallbackServerContext* context,
                                         const v1::CreateUploadRequest* request,
                                         v1::Upload* response) override;
  grpc::ServerUnaryReactor* GetUpload(grpc::CallbackServerContext* context,
                                      const v1::GetUploadRequest* request,
                                      v1::Upload* response) override;
  grpc::ServerReadReactor<v1::WriteUploadRequest>* WriteUpload(grpc::CallbackServerContext* context,
                                                               v1::Upload* response) override;
  grpc::ServerUnaryReactor* DeleteUpload(grpc::CallbackServerContext* context,
                                         const v1::DeleteUploadRequest* request,
                                         google::protobuf::Empty* response) override;
  grpc::ServerUnaryReactor* CreateDataset(grpc::CallbackServerContext* context,
                                          const v1::CreateDatasetRequest* request,
                                          v1::Dataset* response) override;
  grpc::ServerUnaryReactor* GetDataset(grpc::CallbackServerContext* context,
                                       const v1::GetDatasetRequest* request,
                                       v1::Dataset* response) override;
  grpc::ServerUnaryReactor* ListDatasets(grpc::CallbackServerContext* context,
                                         const v1::ListDatasetsRequest* request,
                                         v1::ListDatasetsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteDataset(grpc::CallbackServerContext* context,
                                          const v1::DeleteDatasetRequest* request,
                                          google::protobuf::Empty* response) override;

 private:
  DatasetFacts read(const DatasetDraft& draft);

  ServerParts& parts_;
  UploadStore& uploads_;
  DatasetStore& datasets_;
  DatasetReading reading_;
  WorkerPool writers_;
  WorkerPool readers_;
  UploadStreams streams_;
  UploadKeeper keeper_;
};

}  // namespace hwnas::service
