#include "client/search_client.hpp"

#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/client/fake_daemon.hpp"

namespace hwnas::client {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

template <typename Detail>
grpc::Status with_detail(grpc::StatusCode code, const std::string& message, const Detail& detail) {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return {code, message, status.SerializeAsString()};
}

/// The error of a call, or one that says that there was none.
template <typename Call>
CallError error_of(const Call& call) {
  try {
    call();
  } catch (const CallError& failure) {
    return failure;
  }
  return {grpc::Status::OK, "none"};
}

TEST(SearchClient, RepeatsWhatWasUnavailableWithTheSameRequestId) {
  FakeDaemon daemon;
  std::vector<std::string> ids;
  daemon.create = [&](const v1::CreateSearchJobRequest& request, v1::SearchJob& job) {
    ids.push_back(request.request_id());
    EXPECT_EQ(request.parent(), "tenants/acme");
    if (ids.size() < 3) return unavailable();
    job.set_name("made");
    return grpc::Status::OK;
  };
  EXPECT_EQ(daemon.client().create({}).name(), "made");
  ASSERT_EQ(ids.size(), 3u);
  EXPECT_EQ(ids[0].size(), 32u);
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 1u);
  daemon.client().create({});
  EXPECT_NE(ids.back(), ids.front()) << "another call is another request";
}

TEST(SearchClient, RepeatsNothingElse) {
  for (const auto code : {grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::INTERNAL,
                          grpc::StatusCode::RESOURCE_EXHAUSTED, grpc::StatusCode::ABORTED}) {
    FakeDaemon daemon;
    int calls = 0;
    daemon.get = [&](const auto&, auto&) {
      ++calls;
      return grpc::Status(code, "no");
    };
    EXPECT_EQ(error_of([&] { daemon.client().get("a"); }).status(), code);
    EXPECT_EQ(calls, 1);
  }
}

TEST(SearchClient, GivesUpOnADaemonThatStaysAway) {
  const TemporaryFolder folder;
  const std::string server = "unix:" + (folder / "nobody").string();
  const SearchClient client({.server = server, .tenant = "acme"}, FakeDaemon::quick());
  const CallError failure = error_of([&] { client.get("a"); });
  EXPECT_EQ(failure.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(failure.what(), HasSubstr(server + " cannot be reached"));
}

TEST(SearchClient, ThinksOfCertificatesWhereAConnectionCouldHaveWantedThem) {
  const SearchClient client({.server = "127.0.0.1:1", .tenant = "acme"}, FakeDaemon::quick());
  EXPECT_THAT(error_of([&] { client.get("a"); }).what(), HasSubstr("--tls-cert"));
}

TEST(SearchClient, WaitsNoLongerThanItsDeadlineForAnAnswer) {
  FakeDaemon daemon;
  daemon.get = [](const auto&, auto&) {
    std::this_thread::sleep_for(300ms);
    return grpc::Status::OK;
  };
  RetryPolicy policy = FakeDaemon::quick();
  policy.deadline = 50ms;
  const CallError failure = error_of([&] { daemon.client(policy).get("a"); });
  EXPECT_EQ(failure.status(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(failure.what(), HasSubstr("0.05 s"));
}

TEST(SearchClient, KeepsWhatTheDaemonSaysOfFields) {
  FakeDaemon daemon;
  daemon.create = [](const auto&, auto&) {
    google::rpc::BadRequest details;
    auto& violation = *details.add_field_violations();
    violation.set_field("search_job.experiment:search.trials");
    violation.set_description("12:3: too few");
    return with_detail(grpc::StatusCode::INVALID_ARGUMENT, "wrong", details);
  };
  const CallError failure = error_of([&] { daemon.client().create({}); });
  EXPECT_EQ(failure.code(), ErrorCode::kInvalidArgument);
  ASSERT_EQ(failure.violations().size(), 1u);
  EXPECT_EQ(failure.violations()[0].field, "search_job.experiment:search.trials");
  EXPECT_EQ(failure.violations()[0].description, "12:3: too few");
}

TEST(SearchClient, WaitsAsLongAsTheDaemonAsks) {
  FakeDaemon daemon;
  int calls = 0;
  daemon.get = [&](const auto&, auto&) {
    if (++calls > 1) return grpc::Status::OK;
    google::rpc::RetryInfo details;
    details.mutable_retry_delay()->set_nanos(50'000'000);
    return with_detail(grpc::StatusCode::UNAVAILABLE, "busy", details);
  };
  const auto begin = std::chrono::steady_clock::now();
  daemon.client().get("a");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 50ms);
}

TEST(SearchClient, SaysWhatIsMissingToBeKnown) {
  FakeDaemon daemon;
  daemon.get = [](const auto&, auto&) {
    return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "nobody known");
  };
  EXPECT_THAT(error_of([&] { daemon.client().get("a"); }).what(), HasSubstr("HWNAS_TOKEN"));
}

TEST(SearchClient, ListsOnePageOrAll) {
  FakeDaemon daemon;
  daemon.list = [](const v1::ListSearchJobsRequest& request, v1::ListSearchJobsResponse& response) {
    EXPECT_EQ(request.filter(), "priority > 0");
    const int page = request.page_token().empty() ? 0 : std::stoi(request.page_token());
    response.add_search_jobs()->set_name(std::to_string(page));
    if (page < 2) response.set_next_page_token(std::to_string(page + 1));
    return grpc::Status::OK;
  };
  const auto first = daemon.client().list("priority > 0", 1, false);
  EXPECT_EQ(first.jobs.size(), 1u);
  EXPECT_TRUE(first.more);
  const auto all = daemon.client().list("priority > 0", 1, true);
  EXPECT_EQ(all.jobs.size(), 3u);
  EXPECT_FALSE(all.more);
}

TEST(SearchClient, TakesIdsAndNamesOfJobs) {
  const SearchClient client({.server = "unix:/nobody", .tenant = "acme"});
  EXPECT_EQ(client.job_name("a"), "tenants/acme/searchJobs/a");
  EXPECT_EQ(client.job_name("tenants/bolt/searchJobs/b"), "tenants/bolt/searchJobs/b");
  EXPECT_THROW(client.job_name(""), Error);
  EXPECT_THROW(client.job_name("a\x1b[2J"), Error);
}

}  // namespace
}  // namespace hwnas::client
