// What hwnasd holds a tenant to, from outside.
#include <gmock/gmock.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using State = v1::SearchJob;

class Quotas : public testing::Test {
 protected:
  DaemonProcess start(std::vector<std::string> options, std::chrono::microseconds epoch = 0us) {
    options.insert(options.end(), {"--datasets", sample_.datasets.string()});
    return DaemonProcess(data_, options, epoch);
  }
  grpc::Status submit(Stub& stub, const std::string& id) {
    grpc::ClientContext context;
    return stub.CreateSearchJob(&context, create_request(sample_.text, id), &job_);
  }
  static grpc::Status get(Stub& stub, const std::string& name, v1::SearchJob& job) {
    grpc::ClientContext context;
    v1::GetSearchJobRequest request;
    request.set_name(name);
    return stub.GetSearchJob(&context, request, &job);
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
  v1::SearchJob job_;
};

void expect_quota(const grpc::Status& status, const std::string& message) {
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
  EXPECT_THAT(status.error_message(), HasSubstr(message));
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::QuotaFailure failure;
  google::rpc::RetryInfo retry;
  ASSERT_EQ(details.details_size(), 3);
  ASSERT_TRUE(details.details(1).UnpackTo(&failure) || details.details(2).UnpackTo(&failure));
  ASSERT_TRUE(details.details(1).UnpackTo(&retry) || details.details(2).UnpackTo(&retry));
  EXPECT_EQ(failure.violations(0).subject(), "tenants/acme");
  EXPECT_GT(retry.retry_delay().seconds(), 0);
}

TEST_F(Quotas, HoldTheStreamsThatATenantMayHaveOpen) {
  DaemonProcess daemon = start({"--max-streams-of-tenant", "1"}, 50ms);
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  ASSERT_TRUE(submit(*stub, "a").ok());
  grpc::ClientContext context;
  v1::WatchSearchJobRequest request;
  request.set_name(job_.name());
  const auto open = stub->WatchSearchJob(&context, request);
  v1::WatchSearchJobResponse message;
  ASSERT_TRUE(open->Read(&message));
  expect_quota(watch(*stub, job_.name()).status, "1 streams are open");
  context.TryCancel();
  open->Finish();
  Watched again;
  do {
    again = watch(*stub, job_.name());
  } while (again.status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(again.status.ok()) << again.status.error_message();
}

TEST_F(Quotas, EndAJobThatRunsTooLongAndKeepWhatItFound) {
  DaemonProcess daemon = start({"--job-run-time", "1"}, 300ms);
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  ASSERT_TRUE(submit(*stub, "a").ok());
  const Watched watched = watch(*stub, job_.name());
  const v1::SearchJob& last = watched.messages.back().search_job();
  EXPECT_EQ(last.state(), State::FAILED);
  EXPECT_EQ(last.error().code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(last.error().message(), HasSubstr("longer than a job may"));
  grpc::ClientContext context;
  v1::ListTrialsRequest request;
  request.set_parent(job_.name());
  v1::ListTrialsResponse trials;
  ASSERT_TRUE(stub->ListTrials(&context, request, &trials).ok());
  EXPECT_GT(trials.trials_size(), 0);
}

TEST_F(Quotas, CountTheFilesOfJobsUntilTheyAreDeleted) {
  DaemonProcess daemon = start({"--max-bytes-of-tenant", "1"});
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  ASSERT_TRUE(submit(*stub, "a").ok());
  ASSERT_EQ(watch(*stub, job_.name()).messages.back().search_job().state(), State::SUCCEEDED);
  expect_quota(submit(*stub, "b"), "its jobs' files have");
  grpc::ClientContext context;
  v1::DeleteSearchJobRequest request;
  request.set_name("tenants/acme/searchJobs/a");
  google::protobuf::Empty nothing;
  ASSERT_TRUE(stub->DeleteSearchJob(&context, request, &nothing).ok());
  EXPECT_TRUE(submit(*stub, "b").ok());
}

TEST_F(Quotas, HoldATenantToItsCallsASecond) {
  DaemonProcess daemon = start({"--max-calls-of-tenant", "5"}, 50ms);
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  ASSERT_TRUE(submit(*stub, "a").ok());
  v1::SearchJob job;
  grpc::Status status;
  for (int call = 0; call < 1000 && status.ok(); ++call) status = get(*stub, job_.name(), job);
  expect_quota(status, "more than 5 calls a second");
}

}  // namespace
}  // namespace hwnas::service
