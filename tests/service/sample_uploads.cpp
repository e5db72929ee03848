#include "tests/service/sample_uploads.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/file.hpp"
#include "core/sha256.hpp"

namespace hwnas::service {

std::shared_ptr<grpc::Channel> channel_to(const std::filesystem::path& data) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix:" + (data / "hwnasd.sock").string(),
                                   grpc::InsecureChannelCredentials(), arguments);
}

v1::Upload announce(DatasetStub& stub, const std::string& bytes, const std::string& file_name,
                    const std::string& tenant) {
  grpc::ClientContext context;
  v1::CreateUploadRequest request;
  request.set_parent("tenants/" + tenant);
  request.mutable_upload()->set_size_bytes(static_cast<std::int64_t>(bytes.size()));
  request.mutable_upload()->set_sha256(sha256(bytes));
  request.mutable_upload()->set_file_name(file_name);
  v1::Upload upload;
  const grpc::Status status = stub.CreateUpload(&context, request, &upload);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return upload;
}

grpc::Status write(DatasetStub& stub, const std::string& name, const std::string& bytes,
                   std::int64_t offset, v1::Upload& response) {
  constexpr std::size_t kChunkBytes = 100'000;
  grpc::ClientContext context;
  const auto writer = stub.WriteUpload(&context, &response);
  v1::WriteUploadRequest request;
  request.set_name(name);
  auto at = static_cast<std::size_t>(offset);
  do {
    const std::size_t end = std::min(at + kChunkBytes, bytes.size());
    request.set_offset(static_cast<std::int64_t>(at));
    request.set_chunk(bytes.substr(at, end - at));
    if (!writer->Write(request)) break;
    request.clear_name();
    at = end;
  } while (at < bytes.size());
  writer->WritesDone();
  return writer->Finish();
}

v1::Upload get_upload(DatasetStub& stub, const std::string& name) {
  grpc::ClientContext context;
  v1::GetUploadRequest request;
  request.set_name(name);
  v1::Upload upload;
  const grpc::Status status = stub.GetUpload(&context, request, &upload);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return upload;
}

v1::Upload upload(DatasetStub& stub, const std::string& bytes, const std::string& file_name,
                  const std::string& tenant) {
  v1::Upload written = announce(stub, bytes, file_name, tenant);
  const std::string name = written.name();
  const grpc::Status status = write(stub, name, bytes, 0, written);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(written.complete());
  return written;
}

v1::CreateDatasetRequest waves_request(DatasetStub& stub, const std::filesystem::path& folder,
                                       const std::string& id, const std::string& tenant) {
  v1::CreateDatasetRequest request;
  request.set_parent("tenants/" + tenant);
  request.set_dataset_id(id);
  v1::Dataset& dataset = *request.mutable_dataset();
  dataset.set_reader("{ name: csv_series, train: training, test: held_out }");
  for (const auto& [key, file] :
       {std::pair("training", "train.csv"), std::pair("held_out", "test.csv")}) {
    (*dataset.mutable_uploads())[key] =
        upload(stub, read_file(folder / file, 1 << 24), file, tenant).name();
  }
  return request;
}

}  // namespace hwnas::service
