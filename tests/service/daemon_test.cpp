// hwnasd from outside: a process, its clients, and what survives when it is killed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <sys/stat.h>

#include <csignal>
#include <set>
#include <thread>

#include "core/sha256.hpp"
#include "engine/store.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "service/supervisor.hpp"
#include "tests/engine/sample_run.hpp"
#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using State = v1::SearchJob;

class DaemonTest : public testing::Test {
 protected:
  DaemonProcess start(std::chrono::microseconds epoch = 0us,
                      std::vector<std::string> options = {}) const {
    options.insert(options.end(), {"--datasets", sample_.datasets.string()});
    return DaemonProcess(data_, options, epoch);
  }
  v1::SearchJob submit(Stub& stub, const std::string& id,
                       const std::string& request_id = "") const {
    grpc::ClientContext context;
    v1::CreateSearchJobRequest request = create_request(sample_.text, id);
    request.set_request_id(request_id);
    v1::SearchJob job;
    const grpc::Status status = stub.CreateSearchJob(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }
  static v1::SearchJob get(Stub& stub, const std::string& name) {
    grpc::ClientContext context;
    v1::GetSearchJobRequest request;
    request.set_name(name);
    v1::SearchJob job;
    EXPECT_TRUE(stub.GetSearchJob(&context, request, &job).ok());
    return job;
  }
  static void wait_until_it_searches(Stub& stub, const std::string& name) {
    while (get(stub, name).progress().planned_trials() == 0) std::this_thread::sleep_for(10ms);
  }
  std::string history(const v1::SearchJob& job) const {
    return engine::history_of(run_folder(data_, std::stoll(job.uid())));
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
};

std::string download(Stub& stub, const std::string& name, std::int64_t offset,
                     v1::Artifact& artifact) {
  grpc::ClientContext context;
  v1::DownloadArtifactRequest request;
  request.set_name(name);
  request.set_offset(offset);
  const auto reader = stub.DownloadArtifact(&context, request);
  std::string bytes;
  for (v1::DownloadArtifactResponse message; reader->Read(&message);) {
    if (message.has_artifact()) artifact = message.artifact();
    bytes += message.chunk();
  }
  EXPECT_TRUE(reader->Finish().ok());
  return bytes;
}

TEST_F(DaemonTest, ASubmittedSearchRunsToItsArtifact) {
  DaemonProcess daemon = start();
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  const v1::SearchJob job = submit(*stub, "waves");
  EXPECT_EQ(job.name(), "tenants/acme/searchJobs/waves");
  EXPECT_EQ(job.state(), State::QUEUED);

  const Watched watched = watch(*stub, job.name());
  EXPECT_TRUE(watched.status.ok()) << watched.status.error_message();
  ASSERT_FALSE(watched.messages.empty());
  ASSERT_EQ(watched.messages.back().search_job().state(), State::SUCCEEDED)
      << watched.messages.back().DebugString() << daemon.errors();
  EXPECT_EQ(get(*stub, job.name()).progress().evaluated_trials(), 20);

  v1::Artifact artifact;
  const std::string bytes = download(*stub, job.name() + "/artifacts/onnx", 0, artifact);
  EXPECT_EQ(sha256(bytes), artifact.sha256());
  const auto half = static_cast<std::int64_t>(bytes.size() / 2);
  EXPECT_EQ(download(*stub, job.name() + "/artifacts/onnx", half, artifact),
            bytes.substr(bytes.size() / 2));

  grpc::ClientContext context;
  v1::GetParetoFrontRequest request;
  request.set_name(job.name());
  v1::ParetoFront front;
  ASSERT_TRUE(stub->GetParetoFront(&context, request, &front).ok());
  EXPECT_EQ(front.trials_size(), get(*stub, job.name()).progress().front_size());

  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0) << daemon.errors();
}

TEST_F(DaemonTest, KilledInTheMiddleAJobEndsAsOneThatWasNot) {
  v1::SearchJob unbroken, broken;
  {
    DaemonProcess daemon = start();
    const auto stub = connect(data_);
    ASSERT_TRUE(stub) << daemon.errors();
    unbroken = submit(*stub, "unbroken");
    ASSERT_EQ(watch(*stub, unbroken.name()).messages.back().search_job().state(), State::SUCCEEDED);
  }
  std::int64_t seen = 0;
  std::set<std::int64_t> revisions;
  for (int kills_left = 3; kills_left >= 0; --kills_left) {
    DaemonProcess daemon = start(60ms);
    const auto stub = connect(data_);
    ASSERT_TRUE(stub) << daemon.errors();
    if (kills_left == 3) broken = submit(*stub, "broken");
    int trials = 0;
    watch(*stub, broken.name(), seen, [&](const v1::WatchSearchJobResponse& message) {
      EXPECT_GT(message.revision(), seen);
      seen = message.revision();
      revisions.insert(seen);
      trials += int(message.has_trial());
      if (kills_left > 0 && trials == 5) daemon.signal(SIGKILL);
    });
  }
  DaemonProcess daemon = start();
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  EXPECT_GT(get(*stub, broken.name()).attempts(), 1);
  EXPECT_EQ(history(broken), history(unbroken));
  std::set<std::int64_t> all;
  for (const auto& message : watch(*stub, broken.name()).messages) all.insert(message.revision());
  EXPECT_EQ(revisions, all) << "a client that continues misses nothing";
}

TEST_F(DaemonTest, ADrainedDaemonGoesOnAtItsNextStart) {
  v1::SearchJob job;
  {
    DaemonProcess daemon = start(500ms);
    const auto stub = connect(data_);
    ASSERT_TRUE(stub) << daemon.errors();
    job = submit(*stub, "waves");
    wait_until_it_searches(*stub, job.name());
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(), 0) << daemon.errors();
  }
  DaemonProcess daemon = start();
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  EXPECT_EQ(watch(*stub, job.name()).messages.back().search_job().state(), State::SUCCEEDED);
  EXPECT_EQ(get(*stub, job.name()).attempts(), 2);
}

TEST_F(DaemonTest, ACancelledJobKeepsWhatItHasFoundAndCanBeDeleted) {
  DaemonProcess daemon = start(500ms);
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  const v1::SearchJob job = submit(*stub, "waves");
  wait_until_it_searches(*stub, job.name());
  {
    grpc::ClientContext context;
    v1::CancelSearchJobRequest request;
    request.set_name(job.name());
    v1::SearchJob cancelling;
    ASSERT_TRUE(stub->CancelSearchJob(&context, request, &cancelling).ok());
    EXPECT_EQ(cancelling.state(), State::CANCELLING);
  }
  EXPECT_EQ(watch(*stub, job.name()).messages.back().search_job().state(), State::CANCELLED);
  const auto files = job_folder(data_, std::stoll(job.uid()));
  EXPECT_TRUE(engine::holds_run(files / "run"));
  grpc::ClientContext context;
  v1::DeleteSearchJobRequest request;
  request.set_name(job.name());
  google::protobuf::Empty nothing;
  ASSERT_TRUE(stub->DeleteSearchJob(&context, request, &nothing).ok());
  for (int i = 0; i < 1000 && std::filesystem::exists(files); ++i) {
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_FALSE(std::filesystem::exists(files));
  EXPECT_EQ(watch(*stub, job.name()).status.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(DaemonTest, ARepeatedRequestIsDoneOnce) {
  DaemonProcess daemon = start();
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  const v1::SearchJob first = submit(*stub, "", "request-1");
  const v1::SearchJob again = submit(*stub, "", "request-1");
  EXPECT_EQ(first.name(), again.name());
  EXPECT_NE(first.name(), submit(*stub, "", "request-2").name());
}

TEST_F(DaemonTest, AFaultInAnExperimentIsToldWithItsFieldAndPlace) {
  DaemonProcess daemon = start();
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  std::string text = sample_.text;
  text.replace(text.find("trials: 20"), 10, "trials: 0 ");
  grpc::ClientContext context;
  v1::SearchJob job;
  const grpc::Status status = stub->CreateSearchJob(&context, create_request(text, "a"), &job);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(status.error_details()));
  google::rpc::BadRequest request;
  ASSERT_TRUE(details.details(1).UnpackTo(&request));
  EXPECT_EQ(request.field_violations(0).field(), "search_job.experiment:search.trials");
  EXPECT_THAT(request.field_violations(0).description(),
              testing::ContainsRegex("^[0-9]+:[0-9]+: "));
}

TEST_F(DaemonTest, OthersThanItsOwnerCannotOpenItsSocket) {
  DaemonProcess daemon = start();
  ASSERT_TRUE(connect(data_)) << daemon.errors();
  struct stat status {};
  ASSERT_EQ(::stat((data_ / "hwnasd.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(DaemonTest, AnAddressThatStrangersCanReachIsRefused) {
  for (const char* address : {"0.0.0.0:0", "192.0.2.1:50151", "[::]:0", "127.0.0.1:0"}) {
    DaemonProcess daemon = start(0us, {"--listen", address});
    EXPECT_EQ(daemon.wait(), 2) << address << daemon.errors();
  }
}

TEST_F(DaemonTest, ASecondDaemonOnTheSameFolderIsRefused) {
  DaemonProcess daemon = start();
  ASSERT_TRUE(connect(data_)) << daemon.errors();
  DaemonProcess second = start();
  EXPECT_EQ(second.wait(), 2);
  EXPECT_THAT(second.errors(), HasSubstr("another hwnasd serves this folder"));
}

TEST_F(DaemonTest, AServiceThatIsNotServedIsSaidSo) {
  DaemonProcess daemon = start();
  ASSERT_TRUE(connect(data_)) << daemon.errors();
  grpc::GenericStub stub(grpc::CreateChannel("unix:" + (data_ / "hwnasd.sock").string(),
                                             grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto call = stub.PrepareUnaryCall(&context, "/hwnas.v1.WeatherService/GetWeather",
                                          grpc::ByteBuffer(), &queue);
  call->StartCall();
  grpc::ByteBuffer nothing;
  grpc::Status status;
  call->Finish(&nothing, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_THAT(status.error_message(), HasSubstr("does not serve it"));
}

}  // namespace
}  // namespace hwnas::service
