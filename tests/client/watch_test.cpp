#include "client/watch.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "tests/client/fake_daemon.hpp"

namespace hwnas::client {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

using Writer = grpc::ServerWriter<v1::WatchSearchJobResponse>;

void write(Writer& writer, std::int64_t revision, bool heartbeat = false) {
  v1::WatchSearchJobResponse response;
  response.set_revision(revision);
  if (heartbeat) {
    response.mutable_heartbeat();
  } else {
    response.mutable_trial()->set_id(revision);
  }
  writer.Write(response);
}

class WatchTest : public testing::Test {
 protected:
  WatchTest() {
    daemon_.get = [](const v1::GetSearchJobRequest& request, v1::SearchJob& job) {
      job.set_name(request.name());
      job.set_state(v1::SearchJob::SUCCEEDED);
      return grpc::Status::OK;
    };
  }
  v1::SearchJob watch(const WatchOptions& options = {}) {
    return client::watch(daemon_.client(), "a", options,
                         [this](const auto& event) { revisions_.push_back(event.revision()); });
  }

  FakeDaemon daemon_;
  std::vector<std::int64_t> asked_;
  std::vector<std::int64_t> revisions_;
};

TEST_F(WatchTest, GoesOnFromTheLastRevisionWhenItIsCut) {
  daemon_.watch = [this](auto&, const v1::WatchSearchJobRequest& request, Writer& writer) {
    asked_.push_back(request.after_revision());
    if (asked_.size() == 1) {
      write(writer, 4);
      write(writer, 7);
      return unavailable();
    }
    if (asked_.size() == 2) return unavailable();
    if (asked_.size() == 3) {
      write(writer, 7, true);
      return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too slow");
    }
    write(writer, 9);
    return grpc::Status::OK;
  };
  std::vector<std::string> cuts;
  const v1::SearchJob job =
      watch({.after_revision = 2, .on_cut = [&](const auto& why) { cuts.push_back(why); }});
  EXPECT_EQ(job.state(), v1::SearchJob::SUCCEEDED);
  EXPECT_THAT(asked_, ElementsAre(2, 7, 7, 7));
  EXPECT_THAT(revisions_, ElementsAre(4, 7, 9)) << "without the heartbeat";
  EXPECT_EQ(cuts.size(), 2u) << "told once each, however often it is tried again";
}

TEST_F(WatchTest, WaitsLongerForADaemonThatItHasSeen) {
  daemon_.watch = [this](auto&, const v1::WatchSearchJobRequest& request, Writer& writer) {
    asked_.push_back(request.after_revision());
    if (asked_.size() == 1) write(writer, 1);
    // Many times the policy's give_up_after for daemons never seen.
    if (asked_.size() < 60) {
      std::this_thread::sleep_for(3ms);
      return unavailable();
    }
    return grpc::Status::OK;
  };
  watch();
  EXPECT_EQ(asked_.size(), 60u);
}

TEST_F(WatchTest, GivesUpOnADaemonThatItNeverSaw) {
  daemon_.watch = [](auto&, const auto&, auto&) { return unavailable(); };
  EXPECT_THROW(watch(), CallError);
}

TEST_F(WatchTest, EndsWithAQuotaOfStreamsAndWithAJobThatIsGone) {
  for (const auto code : {grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::NOT_FOUND}) {
    daemon_.watch = [code](auto&, const auto&, auto&) { return grpc::Status(code, "no"); };
    EXPECT_THROW(watch(), CallError);
  }
}

TEST_F(WatchTest, StopsWhenAskedTo) {
  daemon_.watch = [](grpc::ServerContext& context, const auto&, Writer& writer) {
    write(writer, 1);
    while (!context.IsCancelled()) std::this_thread::sleep_for(1ms);
    return grpc::Status::OK;
  };
  std::stop_source source;
  try {
    client::watch(daemon_.client(), "a", {.stop = source.get_token()},
                  [&](const auto&) { source.request_stop(); });
    FAIL() << "it went on";
  } catch (const Error& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kCancelled);
  }
}

TEST_F(WatchTest, EndsItsStreamWhenAnEventCannotBeHandled) {
  daemon_.watch = [](grpc::ServerContext& context, const auto&, Writer& writer) {
    write(writer, 1);
    while (!context.IsCancelled()) std::this_thread::sleep_for(1ms);
    return grpc::Status::OK;
  };
  const auto fail = [](const auto&) { throw std::runtime_error("full"); };
  EXPECT_THROW(client::watch(daemon_.client(), "a", {}, fail), std::runtime_error);
}

}  // namespace
}  // namespace hwnas::client
