// What is seen of calls: their ids, their lines in the log and in the audit log.
#include "service/rpc_observer.hpp"

#include <gmock/gmock.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/file.hpp"
#include "service/page_token.hpp"
#include "tests/service/page_client.hpp"

namespace hwnas::service {
namespace {

using nlohmann::json;

constexpr const char* kCreate = "hwnas.v1.SearchService/CreateSearchJob";

TEST(RequestIdTest, ASaneOneIsKeptAndAnyOtherIsReplaced) {
  EXPECT_EQ(request_id_of("5f0c-A.b_c:1"), "5f0c-A.b_c:1");
  for (const std::string& sent : {std::string(), std::string("a b"), std::string("a\nb"),
                                  std::string("\"}"), std::string("é"), std::string(129, 'a')}) {
    EXPECT_THAT(request_id_of(sent), testing::MatchesRegex("[0-9a-f]+")) << sent;
    EXPECT_NE(request_id_of(sent), request_id_of(sent));
  }
}

TEST(TraceIdTest, IsReadOfATraceparentAlone) {
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  EXPECT_EQ(trace_id_of("00-" + id + "-b7ad6b7169203331-01"), id);
  EXPECT_EQ(trace_id_of("00-" + id), "");
  EXPECT_EQ(trace_id_of("00-" + std::string(32, '0') + "-b7ad6b7169203331-01"), "");
  EXPECT_EQ(trace_id_of("00-" + std::string(32, 'x') + "-b7ad6b7169203331-01"), "");
  EXPECT_EQ(trace_id_of(""), "");
}

class RpcObserverTest : public testing::Test {
 protected:
  DaemonProcess start(std::vector<std::string> options = {}) const {
    options.insert(options.end(),
                   {"--datasets", sample_.datasets.string(), "--log-level", "debug"});
    return DaemonProcess(data_, options);
  }
  /// Ends the daemon, and gives the lines that it has written to a log, of one event.
  static std::vector<json> lines_of(const std::string& text, const std::string& event) {
    std::istringstream stream(text);
    std::vector<json> lines;
    for (std::string line; std::getline(stream, line);) {
      json object = json::parse(line);
      if (object.value("event", "") == event) lines.push_back(std::move(object));
    }
    return lines;
  }
  std::vector<json> audited(DaemonProcess& daemon) const {
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(), 0) << daemon.errors();
    return lines_of(read_file(data_ / kAuditFile, 1 << 24), "call");
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
};

TEST_F(RpcObserverTest, ACallIsFoundByItsIdInTheAnswerTheLogAndTheAuditLog) {
  DaemonProcess daemon = start();
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  grpc::ClientContext context;
  context.AddMetadata("x-request-id", "order-66");
  context.AddMetadata("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  v1::SearchJob job;
  ASSERT_TRUE(stub->CreateSearchJob(&context, create_request(sample_.text, "a"), &job).ok());
  const auto& trailing = context.GetServerTrailingMetadata();
  ASSERT_TRUE(trailing.contains("x-request-id"));
  EXPECT_EQ(trailing.find("x-request-id")->second, "order-66");

  const std::vector<json> audit = audited(daemon);
  ASSERT_EQ(audit.size(), 1u);
  EXPECT_EQ(audit[0]["caller"], "operator");
  EXPECT_EQ(audit[0]["method"], kCreate);
  EXPECT_EQ(audit[0]["resource"], job.name());
  EXPECT_EQ(audit[0]["outcome"], "OK");
  EXPECT_EQ(audit[0]["request_id"], "order-66");
  const std::vector<json> calls = lines_of(daemon.errors(), "rpc");
  ASSERT_EQ(calls.size(), 1u) << daemon.errors();
  EXPECT_EQ(calls[0]["request_id"], "order-66");
  EXPECT_EQ(calls[0]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(calls[0]["method"], kCreate);
  EXPECT_EQ(calls[0]["code"], "OK");
  EXPECT_EQ(calls[0]["tenant"], "acme");
  EXPECT_EQ(calls[0]["job"], job.name());
  EXPECT_GT(calls[0]["duration_seconds"], 0);
}

TEST_F(RpcObserverTest, ReadingIsNotAudited) {
  DaemonProcess daemon = start();
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  grpc::ClientContext context;
  v1::ListSearchJobsRequest request;
  request.set_parent("tenants/acme");
  v1::ListSearchJobsResponse response;
  ASSERT_TRUE(stub->ListSearchJobs(&context, request, &response).ok());
  EXPECT_THAT(audited(daemon), testing::IsEmpty());
}

TEST_F(RpcObserverTest, WhoIsRefusedIsAuditedWithTheReason) {
  const std::string reader = random_key(), writer = random_key();
  const auto tokens =
      folder_.write("tokens", "acme read " + reader + "\nother write " + writer + "\n");
  std::filesystem::permissions(tokens, std::filesystem::perms::owner_read);
  DaemonProcess daemon = start({"--tokens", tokens.string()});
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  const auto create = [&](const std::string& token) {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    v1::SearchJob job;
    return stub->CreateSearchJob(&context, create_request(sample_.text, "a"), &job).error_code();
  };
  EXPECT_EQ(create(""), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(create(reader), grpc::StatusCode::PERMISSION_DENIED);
  {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + writer);
    v1::GetSearchJobRequest request;
    request.set_name("tenants/acme/searchJobs/a");
    v1::SearchJob job;
    EXPECT_EQ(stub->GetSearchJob(&context, request, &job).error_code(),
              grpc::StatusCode::NOT_FOUND);
  }
  const std::vector<json> audit = audited(daemon);
  ASSERT_EQ(audit.size(), 3u);
  EXPECT_EQ(audit[0]["caller"], "unknown");
  EXPECT_EQ(audit[0]["outcome"], "UNAUTHENTICATED");
  EXPECT_EQ(audit[1]["caller"], "tenants/acme");
  EXPECT_EQ(audit[1]["outcome"], "PERMISSION_DENIED");
  EXPECT_EQ(audit[2]["caller"], "tenants/other");
  EXPECT_EQ(audit[2]["resource"], "tenants/acme/searchJobs/a");
  EXPECT_EQ(audit[2]["outcome"], "NOT_FOUND");
  for (const std::string& token : {reader, writer}) {
    EXPECT_THAT(daemon.errors(), testing::Not(testing::HasSubstr(token)));
  }
}

TEST_F(RpcObserverTest, AFloodOfRefusalsDoesNotFillTheLogs) {
  const auto tokens = folder_.write("tokens", "acme read " + random_key() + "\n");
  std::filesystem::permissions(tokens, std::filesystem::perms::owner_read);
  DaemonProcess daemon = start({"--tokens", tokens.string()});
  const auto stub = connect(data_);
  ASSERT_TRUE(stub) << daemon.errors();
  const auto begun = std::chrono::steady_clock::now();
  constexpr int kCalls = 1500;
  for (int i = 0; i < kCalls; ++i) {
    grpc::ClientContext context;
    v1::SearchJob job;
    stub->GetSearchJob(&context, v1::GetSearchJobRequest(), &job);
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begun;
  EXPECT_LE(static_cast<double>(audited(daemon).size()), 101 + 10 * time.count());
  EXPECT_LE(static_cast<double>(lines_of(daemon.errors(), "rpc").size()), 201 + 50 * time.count());
}

}  // namespace
}  // namespace hwnas::service
