// CompressionService of a running hwnasd, from outside; its jobs are real but for the training.
#include <gmock/gmock.h>

#include <csignal>
#include <thread>

#include "core/sha256.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "hwnas/v1/compression_service.grpc.pb.h"
#include "tests/service/sample_daemon.hpp"
#include "tests/service/sample_uploads.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;
using grpc::StatusCode;
using testing::Contains;
using testing::HasSubstr;
using State = v1::SearchJob;
using CompressionStub = v1::CompressionService::Stub;

constexpr const char* kQuantize = "{ pass: quantize, calibrators: mse, accuracy_drop: 100 }";

class CompressionServiceTest : public testing::Test {
 protected:
  DaemonProcess start(std::chrono::microseconds epoch = 0us) const {
    return DaemonProcess(data_, {"--datasets", sample_.datasets.string()}, epoch);
  }
  /// Once the daemon can be reached.
  std::unique_ptr<CompressionStub> compression() {
    search_ = connect(data_);
    return search_ ? v1::CompressionService::NewStub(channel_to(data_)) : nullptr;
  }
  /// A search that has ended.
  std::string finished_search() {
    grpc::ClientContext context;
    v1::SearchJob job;
    EXPECT_TRUE(
        search_->CreateSearchJob(&context, create_request(sample_.text, "waves"), &job).ok());
    EXPECT_EQ(watch(*search_, job.name()).messages.back().search_job().state(), State::SUCCEEDED);
    return job.name();
  }
  std::string download(const std::string& artifact) {
    grpc::ClientContext context;
    v1::DownloadArtifactRequest request;
    request.set_name(artifact);
    const auto reader = search_->DownloadArtifact(&context, request);
    std::string bytes;
    for (v1::DownloadArtifactResponse message; reader->Read(&message);) bytes += message.chunk();
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return bytes;
  }
  v1::ListArtifactsResponse artifacts_of(const std::string& job) {
    grpc::ClientContext context;
    v1::ListArtifactsRequest request;
    request.set_parent(job);
    v1::ListArtifactsResponse response;
    EXPECT_TRUE(search_->ListArtifacts(&context, request, &response).ok());
    return response;
  }
  /// What a search has exported, by a daemon that has ended.
  std::string trained_model() {
    DaemonProcess daemon = start();
    search_ = connect(data_);
    EXPECT_TRUE(search_) << daemon.errors();
    std::string model = download(finished_search() + "/artifacts/onnx");
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(), 0) << daemon.errors();
    return model;
  }
  std::string uploaded(const std::string& bytes, const std::string& file_name) const {
    return upload(*v1::DatasetService::NewStub(channel_to(data_)), bytes, file_name).name();
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
  std::unique_ptr<Stub> search_;
};

v1::CreateCompressionJobRequest request_for(const std::string& id) {
  v1::CreateCompressionJobRequest request;
  request.set_parent("tenants/acme");
  request.set_compression_job_id(id);
  request.mutable_compression_job()->add_passes(kQuantize);
  request.mutable_compression_job()->add_formats("tflite");
  return request;
}

v1::CreateCompressionJobRequest request_for_upload(const std::string& upload) {
  v1::CreateCompressionJobRequest request = request_for("model");
  v1::CompressionJob& job = *request.mutable_compression_job();
  job.set_upload(upload);
  job.set_dataset("tenants/acme/datasets/waves");
  job.set_device("tenants/acme/devices/stm32f746");
  job.set_runtime("tflite_micro");
  return request;
}

grpc::Status create(CompressionStub& stub, const v1::CreateCompressionJobRequest& request,
                    v1::CompressionJob& job) {
  grpc::ClientContext context;
  return stub.CreateCompressionJob(&context, request, &job);
}

v1::CompressionJob get(CompressionStub& stub, const std::string& name) {
  grpc::ClientContext context;
  v1::GetCompressionJobRequest request;
  request.set_name(name);
  v1::CompressionJob job;
  const grpc::Status status = stub.GetCompressionJob(&context, request, &job);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return job;
}

v1::CompressionJob wait_for(CompressionStub& stub, const std::string& name,
                            const std::function<bool(State::State)>& reached) {
  v1::CompressionJob job = get(stub, name);
  for (int i = 0; i < 6000 && !reached(job.state()); ++i) {
    std::this_thread::sleep_for(10ms);
    job = get(stub, name);
  }
  return job;
}

v1::CompressionJob wait_for_end(CompressionStub& stub, const std::string& name) {
  return wait_for(stub, name, [](State::State state) { return state >= State::SUCCEEDED; });
}

TEST_F(CompressionServiceTest, ASearchJobsFinalistIsBroughtToIntegers) {
  DaemonProcess daemon = start();
  const auto stub = compression();
  ASSERT_TRUE(stub) << daemon.errors();
  v1::CreateCompressionJobRequest request = request_for("small");
  request.mutable_compression_job()->set_search_job(finished_search());
  request.mutable_compression_job()->set_priority(3);
  v1::CompressionJob job;
  const grpc::Status status = create(*stub, request, job);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(job.name(), "tenants/acme/compressionJobs/small");
  EXPECT_EQ(job.search_job(), request.compression_job().search_job());
  EXPECT_EQ(job.priority(), 3);

  job = wait_for_end(*stub, job.name());
  ASSERT_EQ(job.state(), State::SUCCEEDED) << job.DebugString() << daemon.errors();
  ASSERT_EQ(job.results_size(), 1);
  EXPECT_EQ(job.results(0).pass(), "quantize");
  EXPECT_TRUE(job.results(0).accepted());
  std::vector<std::string> metrics;
  for (const v1::Metric& metric : job.metrics()) metrics.push_back(metric.name());
  EXPECT_THAT(metrics, testing::IsSupersetOf({"val_top1", "test_top1", "flash_bytes"}));
  const v1::ListArtifactsResponse artifacts = artifacts_of(job.name());
  ASSERT_EQ(artifacts.artifacts_size(), 1);
  EXPECT_EQ(artifacts.artifacts(0).name(), job.name() + "/artifacts/tflite");
  EXPECT_EQ(sha256(download(artifacts.artifacts(0).name())), artifacts.artifacts(0).sha256());
}

TEST_F(CompressionServiceTest, AnUploadedModelIsCompressedAlthoughTheDaemonIsKilledMeanwhile) {
  const std::string model = trained_model();
  v1::CompressionJob job;
  {
    DaemonProcess daemon = start(20s);
    const auto stub = compression();
    ASSERT_TRUE(stub) << daemon.errors();
    const grpc::Status status =
        create(*stub, request_for_upload(uploaded(model, "waves.onnx")), job);
    ASSERT_TRUE(status.ok()) << status.error_message();
    wait_for(*stub, job.name(), [](State::State state) { return state == State::RUNNING; });
    daemon.signal(SIGKILL);
  }
  DaemonProcess daemon = start();
  const auto stub = compression();
  ASSERT_TRUE(stub) << daemon.errors();
  job = wait_for_end(*stub, job.name());
  ASSERT_EQ(job.state(), State::SUCCEEDED) << job.DebugString() << daemon.errors();
  EXPECT_EQ(job.dataset(), "tenants/acme/datasets/waves");
  EXPECT_EQ(job.device(), "tenants/acme/devices/stm32f746");
  const v1::ListArtifactsResponse artifacts = artifacts_of(job.name());
  ASSERT_EQ(artifacts.artifacts_size(), 1);
  EXPECT_EQ(artifacts.artifacts(0).file_name(), "waves.tflite");
}

TEST_F(CompressionServiceTest, AFileThatIsNoModelFailsItsJobAlone) {
  DaemonProcess daemon = start();
  const auto stub = compression();
  ASSERT_TRUE(stub) << daemon.errors();
  v1::CompressionJob job;
  const std::string garbage(10'000, '\xff');
  ASSERT_TRUE(create(*stub, request_for_upload(uploaded(garbage, "model.tflite")), job).ok());
  job = wait_for_end(*stub, job.name());
  EXPECT_EQ(job.state(), State::FAILED);
  EXPECT_EQ(job.error().code(), StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(job.error().message(), HasSubstr("model.tflite"));
}

TEST_F(CompressionServiceTest, ARunningJobCanBeCancelledThenListedAndDeleted) {
  const std::string model = trained_model();
  DaemonProcess daemon = start(2s);
  const auto stub = compression();
  ASSERT_TRUE(stub) << daemon.errors();
  v1::CompressionJob job, again;
  v1::CreateCompressionJobRequest request = request_for_upload(uploaded(model, "waves.onnx"));
  request.set_compression_job_id("");
  request.set_request_id("request-1");
  ASSERT_TRUE(create(*stub, request, job).ok());
  {
    grpc::ClientContext context;
    v1::DeleteUploadRequest remove;
    remove.set_name(job.upload());
    google::protobuf::Empty nothing;
    const auto uploads = v1::DatasetService::NewStub(channel_to(data_));
    ASSERT_TRUE(uploads->DeleteUpload(&context, remove, &nothing).ok());
  }
  const grpc::Status repeated = create(*stub, request, again);
  ASSERT_TRUE(repeated.ok()) << repeated.error_message();
  EXPECT_EQ(job.name(), again.name()) << "repeated, it is done once, whatever has become of it";
  EXPECT_EQ(job.upload(), again.upload());
  wait_for(*stub, job.name(), [](State::State state) { return state == State::RUNNING; });
  {
    grpc::ClientContext context;
    v1::CancelCompressionJobRequest cancel;
    cancel.set_name(job.name());
    ASSERT_TRUE(stub->CancelCompressionJob(&context, cancel, &again).ok());
    EXPECT_EQ(again.state(), State::CANCELLING);
  }
  EXPECT_EQ(wait_for_end(*stub, job.name()).state(), State::CANCELLED) << daemon.errors();
  EXPECT_EQ(artifacts_of(job.name()).artifacts_size(), 0);
  {
    grpc::ClientContext context;
    v1::ListCompressionJobsRequest list;
    list.set_parent("tenants/acme");
    list.set_filter("state = CANCELLED");
    v1::ListCompressionJobsResponse listed;
    ASSERT_TRUE(stub->ListCompressionJobs(&context, list, &listed).ok());
    ASSERT_EQ(listed.compression_jobs_size(), 1);
    EXPECT_EQ(listed.compression_jobs(0).name(), job.name());
  }
  {
    grpc::ClientContext context;
    v1::DeleteCompressionJobRequest remove;
    remove.set_name(job.name());
    google::protobuf::Empty nothing;
    ASSERT_TRUE(stub->DeleteCompressionJob(&context, remove, &nothing).ok());
  }
  grpc::ClientContext context;
  v1::GetCompressionJobRequest gone;
  gone.set_name(job.name());
  EXPECT_EQ(stub->GetCompressionJob(&context, gone, &again).error_code(), StatusCode::NOT_FOUND);
}

TEST_F(CompressionServiceTest, WhatIsWrongIsToldWithItsField) {
  DaemonProcess daemon = start();
  const auto stub = compression();
  ASSERT_TRUE(stub) << daemon.errors();
  const std::string model = uploaded("x", "model.onnx");
  const auto fault_of = [&](const std::function<void(v1::CompressionJob&)>& change) {
    v1::CreateCompressionJobRequest request = request_for_upload(model);
    change(*request.mutable_compression_job());
    v1::CompressionJob job;
    const grpc::Status status = create(*stub, request, job);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT) << status.error_message();
    return status.error_message();
  };
  EXPECT_THAT(fault_of([](auto& job) { job.set_passes(0, "{ pass: shrink }"); }),
              HasSubstr("compression_job.passes[0]: 1:9: pass"));
  EXPECT_THAT(fault_of([](auto& job) { job.set_formats(0, "tflit"); }),
              HasSubstr("compression_job.formats: no format 'tflit', did you mean 'tflite'?"));
  EXPECT_THAT(fault_of([](auto& job) { (*job.mutable_limits())["flash"] = 1; }),
              HasSubstr("compression_job.limits: no cost 'flash'"));
  EXPECT_THAT(fault_of([](auto& job) { job.set_runtime("tvm"); }),
              HasSubstr("compression_job.runtime: 'tvm' is none of the device's"));
  EXPECT_THAT(fault_of([](auto& job) { job.clear_device(); }), HasSubstr("compression_job.device"));
  EXPECT_THAT(fault_of([](auto& job) { job.clear_upload(); }),
              HasSubstr("give search_job or upload"));
}

TEST_F(CompressionServiceTest, ASearchWithoutFinalistAndWhatIsNotTheTenantsAreRefused) {
  DaemonProcess daemon = start(20s);
  const auto stub = compression();
  ASSERT_TRUE(stub) << daemon.errors();
  grpc::ClientContext context;
  v1::SearchJob search;
  ASSERT_TRUE(
      search_->CreateSearchJob(&context, create_request(sample_.text, "waves"), &search).ok());
  v1::CompressionJob job;
  v1::CreateCompressionJobRequest request = request_for("small");
  request.mutable_compression_job()->set_search_job(search.name());
  EXPECT_EQ(create(*stub, request, job).error_code(), StatusCode::FAILED_PRECONDITION);
  request.set_parent("tenants/umbrella");
  EXPECT_EQ(create(*stub, request, job).error_code(), StatusCode::NOT_FOUND);

  request = request_for_upload(uploaded("x", "model.onnx"));
  request.set_parent("tenants/umbrella");
  EXPECT_EQ(create(*stub, request, job).error_code(), StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace hwnas::service
