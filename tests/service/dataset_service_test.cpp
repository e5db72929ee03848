// DatasetService of a running hwnasd, from outside.
#include <gmock/gmock.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "core/file.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/service/sample_daemon.hpp"
#include "tests/service/sample_uploads.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using testing::ElementsAre;
using testing::HasSubstr;

class DatasetServiceTest : public testing::Test {
 protected:
  DaemonProcess start(std::vector<std::string> options = {}) const {
    options.insert(options.end(), {"--datasets", sample_.datasets.string()});
    return DaemonProcess(data_, options);
  }
  /// Once the daemon can be reached.
  std::unique_ptr<DatasetStub> datasets() const {
    return connect(data_) ? v1::DatasetService::NewStub(channel_to(data_)) : nullptr;
  }
  std::filesystem::path file_of_only_upload() const {
    return std::filesystem::directory_iterator(data_ / "uploads")->path();
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
};

std::string some_bytes(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i * i % 251);
  return bytes;
}

grpc::Status create_dataset(DatasetStub& stub, const v1::CreateDatasetRequest& request,
                            v1::Dataset& dataset) {
  grpc::ClientContext context;
  return stub.CreateDataset(&context, request, &dataset);
}

grpc::Status delete_dataset(DatasetStub& stub, const std::string& name) {
  grpc::ClientContext context;
  v1::DeleteDatasetRequest request;
  request.set_name(name);
  google::protobuf::Empty nothing;
  return stub.DeleteDataset(&context, request, &nothing);
}

grpc::Status delete_upload(DatasetStub& stub, const std::string& name) {
  grpc::ClientContext context;
  v1::DeleteUploadRequest request;
  request.set_name(name);
  google::protobuf::Empty nothing;
  return stub.DeleteUpload(&context, request, &nothing);
}

std::vector<std::string> names_of(DatasetStub& stub, const std::string& filter = "",
                                  int page_size = 0) {
  std::vector<std::string> names;
  v1::ListDatasetsRequest request;
  request.set_parent("tenants/acme");
  request.set_filter(filter);
  request.set_page_size(page_size);
  do {
    grpc::ClientContext context;
    v1::ListDatasetsResponse response;
    const grpc::Status status = stub.ListDatasets(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    for (const auto& dataset : response.datasets()) names.push_back(dataset.name());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return names;
}

TEST_F(DatasetServiceTest, AnUploadInPiecesGoesOnWhereItWasCut) {
  DaemonProcess daemon = start();
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  const std::string bytes = some_bytes(1'000'000);
  v1::Upload upload = announce(*stub, bytes, "a.bin");
  EXPECT_FALSE(upload.complete());
  EXPECT_GT(upload.time_left().seconds(), 0);
  const std::string name = upload.name();
  ASSERT_TRUE(write(*stub, name, bytes.substr(0, 300'000), 0, upload).ok());
  EXPECT_EQ(upload.committed_bytes(), 300'000);
  {
    grpc::ClientContext context;
    const auto writer = stub->WriteUpload(&context, &upload);
    v1::WriteUploadRequest request;
    request.set_name(name);
    request.set_offset(300'000);
    request.set_chunk(bytes.substr(300'000, 100'000));
    EXPECT_TRUE(writer->Write(request));
    context.TryCancel();
    EXPECT_FALSE(writer->Finish().ok());
  }
  // What had come may be there or not; the client asks.
  grpc::Status status;
  for (int i = 0; i < 100; ++i) {
    status = write(*stub, name, bytes, get_upload(*stub, name).committed_bytes(), upload);
    if (status.error_code() != StatusCode::UNAVAILABLE &&
        status.error_code() != StatusCode::OUT_OF_RANGE) {
      break;
    }
    std::this_thread::sleep_for(20ms);  // the cut stream is still being stored
  }
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(upload.complete());
  EXPECT_EQ(read_file(file_of_only_upload(), 1 << 24), bytes);
}

TEST_F(DatasetServiceTest, AnUploadGoesOnAfterTheDaemonWasKilled) {
  const std::string bytes = some_bytes(12'000'000);
  std::string name;
  {
    DaemonProcess daemon = start();
    const auto stub = datasets();
    ASSERT_TRUE(stub) << daemon.errors();
    name = announce(*stub, bytes, "a.bin").name();
    std::thread killer([&] {
      while (get_upload(*stub, name).committed_bytes() == 0) std::this_thread::sleep_for(1ms);
      daemon.signal(SIGKILL);
    });
    grpc::ClientContext context;
    v1::Upload upload;
    const auto writer = stub->WriteUpload(&context, &upload);
    v1::WriteUploadRequest request;
    request.set_name(name);
    for (std::size_t at = 0; at + 500'000 < bytes.size(); at += 500'000) {
      request.set_offset(static_cast<std::int64_t>(at));
      request.set_chunk(bytes.substr(at, 500'000));
      if (!writer->Write(request)) break;
    }
    EXPECT_FALSE(writer->Finish().ok()) << "the stream is open until the daemon is killed";
    killer.join();
  }
  DaemonProcess daemon = start();
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  v1::Upload upload = get_upload(*stub, name);
  const std::int64_t committed = upload.committed_bytes();
  EXPECT_GT(committed, 0);
  ASSERT_TRUE(write(*stub, name, bytes, committed, upload).ok());
  EXPECT_TRUE(upload.complete());
  EXPECT_EQ(read_file(file_of_only_upload(), 1 << 26), bytes);
}

TEST_F(DatasetServiceTest, OtherBytesThanAnnouncedAreRefusedAndTheUploadIsEmptyAgain) {
  DaemonProcess daemon = start();
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  const std::string bytes = some_bytes(1000);
  v1::Upload upload = announce(*stub, bytes, "a.bin");
  const std::string name = upload.name();
  std::string others = bytes;
  others[500] ^= 1;
  EXPECT_EQ(write(*stub, name, others, 0, upload).error_code(), StatusCode::DATA_LOSS);
  EXPECT_EQ(get_upload(*stub, name).committed_bytes(), 0);
  ASSERT_TRUE(write(*stub, name, bytes, 0, upload).ok());
  EXPECT_TRUE(upload.complete());
}

TEST_F(DatasetServiceTest, BytesInTheWrongPlaceAreOutOfRange) {
  DaemonProcess daemon = start();
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  const std::string bytes = some_bytes(1000);
  v1::Upload upload = announce(*stub, bytes, "a.bin");
  const std::string name = upload.name();
  EXPECT_EQ(write(*stub, name, bytes, 1, upload).error_code(), StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(write(*stub, name, bytes + "more", 0, upload).error_code(), StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(get_upload(*stub, name).committed_bytes(), 0);
}

TEST_F(DatasetServiceTest, TheQuotaOfBytesIsHeldWhenAnUploadIsAnnounced) {
  DaemonProcess daemon = start({"--max-bytes-of-tenant", "1000"});
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  v1::CreateUploadRequest request;
  request.set_parent("tenants/acme");
  request.mutable_upload()->set_size_bytes(1001);
  request.mutable_upload()->set_sha256(std::string(64, '0'));
  request.mutable_upload()->set_file_name("a.bin");
  grpc::ClientContext context;
  v1::Upload upload;
  const grpc::Status status = stub->CreateUpload(&context, request, &upload);
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::QuotaFailure failure;
  ASSERT_TRUE(details.details(1).UnpackTo(&failure));
  EXPECT_EQ(failure.violations(0).subject(), "tenants/acme");
  announce(*stub, std::string(1000, 'x'), "a.bin");
  announce(*stub, std::string(1000, 'x'), "a.bin", "umbrella");
}

TEST_F(DatasetServiceTest, ASearchRunsToItsEndOnADatasetOfUploads) {
  DaemonProcess daemon = start();
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  const v1::CreateDatasetRequest request = waves_request(*stub, folder_.path(), "mine");
  v1::Dataset dataset;
  const grpc::Status status = create_dataset(*stub, request, dataset);
  ASSERT_TRUE(status.ok()) << status.error_message() << daemon.errors();
  EXPECT_EQ(dataset.name(), "tenants/acme/datasets/mine");
  EXPECT_EQ(dataset.classes(), 3);
  EXPECT_GT(dataset.train_samples(), dataset.test_samples());
  EXPECT_EQ(dataset.input_shape_size(), 3);
  for (const auto& [key, name] : request.dataset().uploads()) {
    EXPECT_TRUE(delete_upload(*stub, name).ok()) << "what was made of it stays";
  }

  std::string experiment = sample_.text;
  experiment.replace(experiment.find("name: waves }"), 13, "name: mine }");
  const auto search = connect(data_);
  grpc::ClientContext context;
  v1::SearchJob job;
  const grpc::Status created =
      search->CreateSearchJob(&context, create_request(experiment, "waves"), &job);
  ASSERT_TRUE(created.ok()) << created.error_message();
  EXPECT_EQ(watch(*search, job.name()).messages.back().search_job().state(),
            v1::SearchJob::SUCCEEDED)
      << daemon.errors();
  EXPECT_TRUE(delete_dataset(*stub, dataset.name()).ok());
  EXPECT_THAT(names_of(*stub), ElementsAre("tenants/acme/datasets/waves"));
}

TEST_F(DatasetServiceTest, FilesThatTheReaderCannotReadAreRefusedWithTheirKeyAndNotTheServersPath) {
  DaemonProcess daemon = start();
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  v1::CreateDatasetRequest request = waves_request(*stub, folder_.path(), "broken");
  (*request.mutable_dataset()->mutable_uploads())["training"] =
      upload(*stub, "sample,label,channel,t0\n0,a,0,nonsense\n", "train.csv").name();
  v1::Dataset dataset;
  const grpc::Status status = create_dataset(*stub, request, dataset);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("dataset.reader: uploads[training]:2"));
  EXPECT_THAT(status.error_message(), testing::Not(HasSubstr(data_.string())));
}

TEST_F(DatasetServiceTest, AnUploadThatIsNotCompleteMakesNoDataset) {
  DaemonProcess daemon = start();
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  v1::CreateDatasetRequest request = waves_request(*stub, folder_.path(), "mine");
  (*request.mutable_dataset()->mutable_uploads())["training"] =
      announce(*stub, some_bytes(10), "train.csv").name();
  v1::Dataset dataset;
  EXPECT_EQ(create_dataset(*stub, request, dataset).error_code(), StatusCode::FAILED_PRECONDITION);
}

TEST_F(DatasetServiceTest, ListsTheNewestFirstAndTheOperatorsLast) {
  DaemonProcess daemon = start();
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  v1::CreateDatasetRequest request = waves_request(*stub, folder_.path(), "a");
  v1::Dataset dataset;
  for (const char* id : {"a", "b", "c"}) {
    request.set_dataset_id(id);
    request.mutable_dataset()->set_display_name(id == std::string("b") ? "the second" : "");
    const grpc::Status status = create_dataset(*stub, request, dataset);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  const std::string all = "tenants/acme/datasets/";
  EXPECT_THAT(names_of(*stub), ElementsAre(all + "c", all + "b", all + "a", all + "waves"));
  EXPECT_THAT(names_of(*stub, "", 1), ElementsAre(all + "c", all + "b", all + "a", all + "waves"));
  EXPECT_THAT(names_of(*stub, "registered_by_operator = false", 2),
              ElementsAre(all + "c", all + "b", all + "a"));
  EXPECT_THAT(names_of(*stub, "display_name : second"), ElementsAre(all + "b"));

  EXPECT_EQ(delete_dataset(*stub, all + "waves").error_code(), StatusCode::FAILED_PRECONDITION);
  request.set_dataset_id("waves");
  EXPECT_EQ(create_dataset(*stub, request, dataset).error_code(), StatusCode::ALREADY_EXISTS);
}

TEST_F(DatasetServiceTest, WhatBelongsToAnotherTenantIsNotFound) {
  const auto tokens = folder_.write("tokens",
                                    "acme write acme-acme-acme-acme\n"
                                    "umbrella write umbrella-umbrella\n");
  std::filesystem::permissions(tokens, std::filesystem::perms(0600));
  DaemonProcess daemon = start({"--tokens", tokens.string()});
  const auto stub = datasets();
  ASSERT_TRUE(stub) << daemon.errors();
  const auto as = [](grpc::ClientContext& context, const std::string& tenant) {
    context.AddMetadata(
        "authorization",
        "Bearer " + std::string(tenant == "acme" ? "acme-acme-acme-acme" : "umbrella-umbrella"));
  };
  v1::Upload upload;
  {
    grpc::ClientContext context;
    as(context, "acme");
    v1::CreateUploadRequest request;
    request.set_parent("tenants/acme");
    request.mutable_upload()->set_size_bytes(1);
    request.mutable_upload()->set_sha256(std::string(64, '0'));
    request.mutable_upload()->set_file_name("a.bin");
    ASSERT_TRUE(stub->CreateUpload(&context, request, &upload).ok());
  }
  const auto code_of = [&](auto&& call) {
    grpc::ClientContext context;
    as(context, "umbrella");
    return call(context).error_code();
  };
  EXPECT_EQ(code_of([&](grpc::ClientContext& context) {
              v1::GetUploadRequest request;
              request.set_name(upload.name());
              return stub->GetUpload(&context, request, &upload);
            }),
            StatusCode::NOT_FOUND);
  EXPECT_EQ(code_of([&](grpc::ClientContext& context) {
              v1::WriteUploadRequest request;
              request.set_name(upload.name());
              request.set_chunk("x");
              v1::Upload response;
              const auto writer = stub->WriteUpload(&context, &response);
              writer->Write(request);
              writer->WritesDone();
              return writer->Finish();
            }),
            StatusCode::NOT_FOUND);
  EXPECT_EQ(code_of([&](grpc::ClientContext& context) {
              v1::DeleteUploadRequest request;
              request.set_name(upload.name());
              google::protobuf::Empty nothing;
              return stub->DeleteUpload(&context, request, &nothing);
            }),
            StatusCode::NOT_FOUND);
  EXPECT_EQ(code_of([&](grpc::ClientContext& context) {
              v1::CreateDatasetRequest request;
              request.set_parent("tenants/umbrella");
              request.set_dataset_id("stolen");
              request.mutable_dataset()->set_reader("{ name: csv_series, train: a, test: a }");
              (*request.mutable_dataset()->mutable_uploads())["a"] = upload.name();
              v1::Dataset dataset;
              return stub->CreateDataset(&context, request, &dataset);
            }),
            StatusCode::NOT_FOUND);
  EXPECT_EQ(code_of([&](grpc::ClientContext& context) {
              v1::ListDatasetsRequest request;
              request.set_parent("tenants/acme");
              v1::ListDatasetsResponse response;
              return stub->ListDatasets(&context, request, &response);
            }),
            StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace hwnas::service
