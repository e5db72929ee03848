#pragma once

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <memory>
#include <string>

#include "hwnas/v1/dataset_service.grpc.pb.h"

namespace hwnas::service {

/// A channel to the daemon's default socket.
std::shared_ptr<grpc::Channel> channel_to(const std::filesystem::path& data);

using DatasetStub = v1::DatasetService::Stub;

/// CreateUpload with the right SHA-256.
v1::Upload announce(DatasetStub& stub, const std::string& bytes, const std::string& file_name,
                    const std::string& tenant = "acme");
/// WriteUpload of the bytes from `offset` on, in small chunks.
grpc::Status write(DatasetStub& stub, const std::string& name, const std::string& bytes,
                   std::int64_t offset, v1::Upload& response);
v1::Upload get_upload(DatasetStub& stub, const std::string& name);
/// Both; gives a complete upload.
v1::Upload upload(DatasetStub& stub, const std::string& bytes, const std::string& file_name,
                  const std::string& tenant = "acme");

/// Makes "waves" of uploads of the sample experiment's data (see write_sample_experiment).
v1::CreateDatasetRequest waves_request(DatasetStub& stub, const std::filesystem::path& folder,
                                       const std::string& id, const std::string& tenant = "acme");

}  // namespace hwnas::service
