// Many streams of WatchSearchJob at once, and clients that do not behave.
#include <gmock/gmock.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "tests/service/sample_daemon.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;

/// Streams of one client, over as many connections as the daemon's limit of streams asks for.
class Streams {
 public:
  Streams(const std::filesystem::path& data, const std::string& job) : data_(data), job_(job) {}

  /// Opens streams, and waits until each has received its first message.
  void open(int count) {
    for (int i = 0; i < count; ++i) {
      if (i % kStreamsOfConnection == 0) stubs_.push_back(connect(data_));
      streams_.push_back(std::make_unique<Stream>(*this, *stubs_.back(), job_));
    }
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return begun_ == count; })) << begun_;
  }
  void drop() {
    for (const auto& stream : streams_) stream->cancel();
    std::unique_lock lock(mutex_);
    const auto all = static_cast<int>(streams_.size());
    EXPECT_TRUE(changed_.wait_for(lock, 60s, [&] { return ended_ == all; })) << ended_;
  }

 private:
  static constexpr int kStreamsOfConnection = 100;

  class Stream final : public grpc::ClientReadReactor<v1::WatchSearchJobResponse> {
   public:
    Stream(Streams& streams, Stub& stub, const std::string& job) : streams_(streams) {
      request_.set_name(job);
      stub.async()->WatchSearchJob(&context_, &request_, this);
      StartRead(&message_);
      StartCall();
    }
    void cancel() { context_.TryCancel(); }
    void OnReadDone(bool ok) override {
      if (!ok) return;
      if (!begun_) streams_.count(streams_.begun_);
      begun_ = true;
      StartRead(&message_);
    }
    void OnDone(const grpc::Status&) override { streams_.count(streams_.ended_); }

   private:
    Streams& streams_;
    grpc::ClientContext context_;
    v1::WatchSearchJobRequest request_;
    v1::WatchSearchJobResponse message_;
    bool begun_ = false;
  };

  void count(int& number) {
    const std::lock_guard lock(mutex_);
    ++number;
    changed_.notify_all();
  }

  const std::filesystem::path data_;
  const std::string job_;
  std::vector<std::unique_ptr<Stub>> stubs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int begun_ = 0;
  int ended_ = 0;
  std::vector<std::unique_ptr<Stream>> streams_;
};

class WatchLoad : public testing::Test {
 protected:
  std::string submit(Stub& stub) {
    grpc::ClientContext context;
    v1::SearchJob job;
    EXPECT_TRUE(stub.CreateSearchJob(&context, create_request(sample_.text, "a"), &job).ok());
    return job.name();
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
  // Epochs so long that the job goes on as long as the test.
  DaemonProcess daemon_{data_, {"--datasets", sample_.datasets.string()}, 500ms};
};

/// In a build with sanitizers, a leak would give the daemon another exit code.
TEST_F(WatchLoad, AThousandStreamsOpenedAndDroppedLeaveTheDaemonServingAndNothingBehind) {
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon_.errors();
  const std::string job = submit(*stub);
  {
    Streams streams(data_, job);
    streams.open(1000);
    streams.drop();
  }
  Streams again(data_, job);
  again.open(10);
  again.drop();
  daemon_.signal(SIGTERM);
  EXPECT_EQ(daemon_.wait(), 0) << daemon_.errors();
}

TEST_F(WatchLoad, StreamsThatAreOpenWhenTheDaemonEndsDoNotKeepItFromEnding) {
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon_.errors();
  Streams streams(data_, submit(*stub));
  streams.open(200);
  daemon_.signal(SIGTERM);
  EXPECT_EQ(daemon_.wait(), 0) << daemon_.errors();
  streams.drop();
}

TEST_F(WatchLoad, AClientThatDoesNotReadHoldsUpNobody) {
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon_.errors();
  const std::string job = submit(*stub);
  grpc::ClientContext context;
  v1::WatchSearchJobRequest request;
  request.set_name(job);
  const auto idle = stub->WatchSearchJob(&context, request);
  for (int i = 0; i < 200; ++i) {
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + 10s);
    v1::GetSearchJobRequest get;
    get.set_name(job);
    v1::SearchJob answer;
    ASSERT_TRUE(stub->GetSearchJob(&call, get, &answer).ok());
  }
  context.TryCancel();
  v1::WatchSearchJobResponse message;
  while (idle->Read(&message)) {
  }
  EXPECT_EQ(idle->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace hwnas::service
