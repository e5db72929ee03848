// The live page from outside, without a browser: who gets what.
#include "service/page.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "service/page_token.hpp"
#include "tests/service/page_client.hpp"

namespace hwnas::service {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(LocalHostTest, OnlyNamesOfThisMachineAre) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:8080", "localhost", "localhost:9", "[::1]",
                           "[::1]:8080", "127.1.2.3:1"}) {
    EXPECT_TRUE(is_local_host(host)) << host;
  }
  for (const char* host : {"", "evil.example", "evil.example:8080", "127.0.0.1.evil.example",
                           "localhost.evil.example", "127.evil", "unix:80", "unix", "10.0.0.1:80",
                           "localhost:80:80", "[::1].evil.example", "0.0.0.0:8080"}) {
    EXPECT_FALSE(is_local_host(host)) << host;
  }
}

class PageTest : public testing::Test {
 protected:
  DaemonProcess start(std::vector<std::string> options = {}) const {
    options.insert(options.end(),
                   {"--datasets", sample_.datasets.string(), "--page", "127.0.0.1:0"});
    return DaemonProcess(data_, options);
  }
  v1::SearchJob submit(const std::string& id, const std::string& tenant,
                       const std::string& token = "") const {
    const auto stub = connect(data_);
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    v1::CreateSearchJobRequest request = create_request(sample_.text, id);
    request.set_parent("tenants/" + tenant);
    v1::SearchJob job;
    const grpc::Status status = stub->CreateSearchJob(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
};

TEST_F(PageTest, AJobIsShownWithItsTrialsFrontAndCurves) {
  DaemonProcess daemon = start();
  const std::string address = page_address(daemon);
  ASSERT_FALSE(address.empty()) << daemon.errors();
  const v1::SearchJob job = submit("waves", "acme");
  watch(*connect(data_), job.name());
  const auto key = bearer(page_key(data_));

  const HttpAnswer overview = http_get(address, "/api/overview", key);
  ASSERT_EQ(overview.status, 200) << overview.body;
  const json all = json::parse(overview.body);
  EXPECT_EQ(all["caller"], "operator");
  EXPECT_EQ(all["states"]["SUCCEEDED"], 1);
  ASSERT_EQ(all["jobs"].size(), 1u);
  EXPECT_EQ(all["jobs"][0]["name"], job.name());
  EXPECT_EQ(all["jobs"][0]["device"], "stm32f746");
  EXPECT_EQ(all["jobs"][0]["progress"]["evaluated"], 20);
  EXPECT_EQ(all["devices"][0]["name"], "stm32f746") << "devices in use come first";
  EXPECT_EQ(all["devices"][0]["ended"], 1);
  EXPECT_GT(all["devices"].size(), 5u);

  const HttpAnswer answer = http_get(address, "/api/jobs/" + job.uid(), key);
  const json run = json::parse(answer.body);
  EXPECT_EQ(run["objectives"][0], (json{{"metric", "val_top1"}, {"maximize", true}}));
  EXPECT_EQ(run["limits"][0], (json{{"metric", "macs"}, {"bound", 30000.0}}));
  const json& trials = run["trials"];
  EXPECT_EQ(trials["id"].size(), trials["total"]);
  EXPECT_EQ(trials["metrics"]["val_top1"]["value"].size(), trials["total"]);
  EXPECT_EQ(std::ranges::count(trials["state"], "front"), run["job"]["progress"]["front"]);
  EXPECT_GE(run["curves"].size(), 20u);
  EXPECT_EQ(run["curves"][0]["points"].size(), 3u);
}

TEST_F(PageTest, WhatHasNotChangedIsNotSentAgain) {
  DaemonProcess daemon = start();
  const std::string address = page_address(daemon);
  ASSERT_FALSE(address.empty()) << daemon.errors();
  auto headers = bearer(page_key(data_));
  const HttpAnswer first = http_get(address, "/api/overview", headers);
  headers["If-None-Match"] = first.headers.at("ETag");
  const HttpAnswer again = http_get(address, "/api/overview", headers);
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  submit("waves", "acme");
  EXPECT_EQ(http_get(address, "/api/overview", headers).status, 200);
}

TEST_F(PageTest, NobodySeesDataWithoutAKey) {
  DaemonProcess daemon = start();
  const std::string address = page_address(daemon);
  ASSERT_FALSE(address.empty()) << daemon.errors();
  for (const auto& headers : {std::map<std::string, std::string>{}, bearer(""), bearer("operator"),
                              bearer(random_key())}) {
    EXPECT_EQ(http_get(address, "/api/overview", headers).status, 401);
    EXPECT_EQ(http_get(address, "/api/jobs/1", headers).status, 401);
  }
  EXPECT_EQ(http_get(address, "/").status, 200) << "the page itself holds no data";
}

TEST_F(PageTest, ATenantSeesNothingOfOthers) {
  const std::string acme = random_key(), other = random_key();
  const auto tokens =
      folder_.write("tokens", "acme write " + acme + "\nother read " + other + "\n");
  std::filesystem::permissions(tokens, std::filesystem::perms::owner_read);
  DaemonProcess daemon = start({"--tokens", tokens.string()});
  const std::string address = page_address(daemon);
  ASSERT_FALSE(address.empty()) << daemon.errors();
  const v1::SearchJob job = submit("waves", "acme", acme);
  const auto jobs_of = [&](const std::string& token) {
    return json::parse(http_get(address, "/api/overview", bearer(token)).body)["jobs"].size();
  };
  EXPECT_EQ(jobs_of(acme), 1u);
  EXPECT_EQ(jobs_of(other), 0u);
  EXPECT_EQ(jobs_of(page_key(data_)), 1u) << "the operator sees all";
  EXPECT_EQ(http_get(address, "/api/jobs/" + job.uid(), bearer(acme)).status, 200);
  EXPECT_EQ(http_get(address, "/api/jobs/" + job.uid(), bearer(other)).status, 404);
  EXPECT_THAT(http_get(address, "/metrics", bearer(other)).body, Not(HasSubstr("acme")));
  EXPECT_THAT(http_get(address, "/metrics", bearer(page_key(data_))).body, HasSubstr("acme"));
}

TEST_F(PageTest, AskedUnderAForeignNameItAnswersNothing) {
  DaemonProcess daemon = start();
  const std::string address = page_address(daemon);
  ASSERT_FALSE(address.empty()) << daemon.errors();
  auto headers = bearer(page_key(data_));
  headers["Host"] = "evil.example:8080";
  for (const char* path : {"/", "/api/overview", "/metrics"}) {
    EXPECT_EQ(http_get(address, path, headers).status, 421) << path;
  }
}

TEST_F(PageTest, ItIsForReadingAndLoadsNothingFromElsewhere) {
  DaemonProcess daemon = start();
  const std::string address = page_address(daemon);
  ASSERT_FALSE(address.empty()) << daemon.errors();
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH"}) {
    EXPECT_EQ(http_get(address, "/api/overview", bearer(page_key(data_)), method).status, 405)
        << method;
  }
  for (const char* path : {"/", "/page.js", "/page.css", "/api/overview", "/nothing"}) {
    const auto headers = http_get(address, path).headers;
    ASSERT_TRUE(headers.contains("Content-Security-Policy")) << path;
    EXPECT_THAT(headers.at("Content-Security-Policy"), HasSubstr("default-src 'none'"));
    EXPECT_THAT(headers.at("Content-Security-Policy"), Not(HasSubstr("unsafe")));
    EXPECT_EQ(headers.at("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(headers.at("Cache-Control"), "no-store");
  }
  for (const char* path : {"/", "/page.js", "/page.css"}) {
    EXPECT_THAT(http_get(address, path).body, Not(testing::ContainsRegex("https?://[^w]")));
  }
  EXPECT_EQ(http_get(address, "/../page_key").status, 404);
  EXPECT_EQ(http_get(address, "/api/jobs/99", bearer(page_key(data_))).status, 404);
}

TEST_F(PageTest, ItsKeyIsForItsOwnerOnlyAndStays) {
  std::string key;
  for (int life = 0; life < 2; ++life) {
    DaemonProcess daemon = start();
    ASSERT_FALSE(page_address(daemon).empty()) << daemon.errors();
    struct stat status {};
    ASSERT_EQ(::stat((data_ / kPageKeyFile).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    if (life == 1) {
      EXPECT_EQ(page_key(data_), key);
    }
    key = page_key(data_);
    EXPECT_THAT(daemon.errors(), Not(HasSubstr(key)));
  }
}

TEST_F(PageTest, AnAddressThatOthersCanReachIsRefused) {
  for (const char* address : {"0.0.0.0:0", "192.0.2.1:8080", "[::]:0", "unix:/tmp/page", "8080",
                              "127.0.0.1", "127.0.0.1:99999", "example.org:80"}) {
    DaemonProcess daemon(data_, {"--page", address});
    EXPECT_EQ(daemon.wait(), 2) << address << daemon.errors();
    EXPECT_THAT(daemon.errors(), HasSubstr("for this machine only"));
    std::filesystem::remove(data_.string() + ".errors");
  }
}

TEST_F(PageTest, ManyConnectionsAtOnceAreAnswered) {
  DaemonProcess daemon = start();
  const std::string address = page_address(daemon);
  ASSERT_FALSE(address.empty()) << daemon.errors();
  std::atomic<int> answered = 0;
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < 100; ++i) {
      clients.emplace_back([&] { answered += int(http_get(address, "/page.css").status == 200); });
    }
  }
  EXPECT_EQ(answered, 100);
}

}  // namespace
}  // namespace hwnas::service
