#include "service/metrics.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "service/job_metrics.hpp"
#include "service/job_store.hpp"
#include "service/log.hpp"
#include "service/process_metrics.hpp"
#include "tests/service/page_client.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

/// The value of a sample as its line has it: `hwnas_jobs{state="QUEUED"}`.
std::string sample(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + " ")) return line.substr(name.size() + 1);
  }
  return {};
}

TEST(MetricsTest, CallsAreCountedInBucketsOfTheirTime) {
  Metrics metrics;
  metrics.rpc_duration("hwnas.v1.SearchService/GetSearchJob", "OK").Observe(0.003);
  const std::string text = metrics.text(false);
  const std::string labels = "code=\"OK\",method=\"hwnas.v1.SearchService/GetSearchJob\"";
  EXPECT_THAT(text, HasSubstr("# TYPE hwnas_rpc_duration_seconds histogram"));
  EXPECT_EQ(sample(text, "hwnas_rpc_duration_seconds_bucket{" + labels + ",le=\"0.0025\"}"), "0");
  EXPECT_EQ(sample(text, "hwnas_rpc_duration_seconds_bucket{" + labels + ",le=\"0.005\"}"), "1");
  EXPECT_EQ(sample(text, "hwnas_rpc_duration_seconds_count{" + labels + "}"), "1");
}

TEST(MetricsTest, ANumberIsACounterByItsName) {
  Metrics metrics;
  metrics.add("hwnas_lost_total", "Lost", [] { return 3.0; });
  metrics.add("hwnas_streams", "Streams", [] { return 2.0; });
  const std::string text = metrics.text(false);
  EXPECT_THAT(text, HasSubstr("# TYPE hwnas_lost_total counter\nhwnas_lost_total 3"));
  EXPECT_THAT(text, HasSubstr("# TYPE hwnas_streams gauge\nhwnas_streams 2"));
}

TEST(MetricsTest, WhatCannotBeCollectedIsLeftOut) {
  set_log_level(LogLevel::kError);
  Metrics metrics;
  metrics.add("hwnas_broken", "", []() -> double { throw std::runtime_error("no disk"); });
  metrics.add("hwnas_whole", "", [] { return 1.0; });
  EXPECT_EQ(sample(metrics.text(false), "hwnas_whole"), "1");
  set_log_level(LogLevel::kInfo);
}

TEST(MetricsTest, TheProcessTellsOfItself) {
  Metrics metrics;
  metrics.add(std::make_shared<ProcessMetrics>());
  const std::string text = metrics.text(false);
  EXPECT_GT(std::stod(sample(text, "process_resident_memory_bytes")), 1e6);
  EXPECT_GT(std::stod(sample(text, "process_open_fds")), 2);
  EXPECT_GT(std::stod(sample(text, "process_threads")), 0);
  EXPECT_GT(std::stod(sample(text, "process_start_time_seconds")), 1.6e9);
  EXPECT_THAT(text, HasSubstr("hwnas_build_info{version=\""));
}

class JobMetricsTest : public testing::Test {
 protected:
  JobMetricsTest() {
    metrics_.add(std::make_shared<JobMetrics>(store_, folder_.path()));
    metrics_.add(std::make_shared<TenantMetrics>(store_), /*secret=*/true);
  }

  const TemporaryFolder folder_;
  Time now_{std::chrono::seconds(1'700'000'000)};
  Store store_{folder_.path(), {.clock = [this] { return now_; }}};
  JobStore jobs_{store_};
  Metrics metrics_;
};

TEST_F(JobMetricsTest, JobsAreCountedByStateAndByEntryIntoIt) {
  const JobRecord running = create(jobs_, new_job("a"));
  create(jobs_, new_job("b"));
  change(jobs_, running.uid, {.to = JobState::kRunning});
  std::string text = metrics_.text(false);
  EXPECT_EQ(sample(text, "hwnas_jobs{state=\"QUEUED\"}"), "1");
  EXPECT_EQ(sample(text, "hwnas_jobs{state=\"RUNNING\"}"), "1");
  EXPECT_EQ(sample(text, "hwnas_jobs{state=\"FAILED\"}"), "0");
  EXPECT_EQ(sample(text, "hwnas_jobs_total{state=\"QUEUED\"}"), "2");
  EXPECT_EQ(sample(text, "hwnas_jobs_total{state=\"RUNNING\"}"), "1");
  change(jobs_, running.uid, {.to = JobState::kSucceeded});
  text = metrics_.text(false);
  EXPECT_EQ(sample(text, "hwnas_jobs_total{state=\"QUEUED\"}"), "2") << "each event counts once";
  EXPECT_EQ(sample(text, "hwnas_jobs_total{state=\"SUCCEEDED\"}"), "1");
  EXPECT_GT(std::stod(sample(text, "hwnas_store_wal_bytes")), 0);
}

TEST_F(JobMetricsTest, TrialsAreCountedWhenTheyEnd) {
  const JobRecord job = create(jobs_, new_job("a"));
  append(jobs_, job.uid,
         {{"trial", R"({"id":"0","state":"RUNNING"})"},
          {"trial", R"({"id":"0","state":"RUNNING","curve":[{"epoch":1}]})"},
          {"trial", R"({"id":"0","state":"COMPLETE"})"},
          {"trial", R"({"id":"1","state":"INFEASIBLE"})"}});
  const std::string text = metrics_.text(false);
  EXPECT_EQ(sample(text, "hwnas_trials_total{state=\"COMPLETE\"}"), "1");
  EXPECT_EQ(sample(text, "hwnas_trials_total{state=\"INFEASIBLE\"}"), "1");
  EXPECT_EQ(sample(text, "hwnas_trials_total{state=\"FAILED\"}"), "0");
}

TEST_F(JobMetricsTest, TheOldestQueuedJobTellsHowLongTheQueueIs) {
  EXPECT_EQ(sample(metrics_.text(false), "hwnas_queue_age_seconds"), "0");
  create(jobs_, new_job("a"));
  now_ += std::chrono::seconds(90);
  create(jobs_, new_job("b"));
  EXPECT_EQ(sample(metrics_.text(false), "hwnas_queue_age_seconds"), "90");
  now_ -= std::chrono::hours(1);
  EXPECT_EQ(sample(metrics_.text(false), "hwnas_queue_age_seconds"), "0") << "a clock may jump";
}

TEST_F(JobMetricsTest, NamesOfTenantsAreForTheOperator) {
  create(jobs_, new_job("a", "acme"));
  EXPECT_THAT(metrics_.text(false), Not(HasSubstr("acme")));
  EXPECT_EQ(sample(metrics_.text(true), "hwnas_tenant_jobs{tenant=\"acme\",state=\"QUEUED\"}"),
            "1");
}

TEST_F(JobMetricsTest, BeyondAHundredTenantsThereIsNoSeriesOfEach) {
  for (int i = 0; i < 100; ++i) create(jobs_, new_job("a", "t" + std::to_string(i)));
  EXPECT_THAT(metrics_.text(true), HasSubstr("hwnas_tenant_jobs"));
  create(jobs_, new_job("a", "t100"));
  EXPECT_THAT(metrics_.text(true), Not(HasSubstr("hwnas_tenant_jobs")));
}

std::set<std::string> names_in(const std::string& expression) {
  static const std::regex kName("(hwnas|process)_[a-z_]+");
  return {std::sregex_token_iterator(expression.begin(), expression.end(), kName),
          std::sregex_token_iterator()};
}

TEST(DashboardTest, EveryMetricThatItQueriesIsServed) {
  std::ifstream file(HWNAS_SOURCE_DIR "/configs/grafana/hwnasd.json");
  const json dashboard = json::parse(file);
  std::set<std::string> queried;
  for (const json& panel : dashboard.at("panels")) {
    for (const json& target : panel.at("targets")) queried.merge(names_in(target.at("expr")));
  }
  ASSERT_GT(queried.size(), 12u);

  const TemporaryFolder folder;
  const std::filesystem::path data = folder / "data";
  const SampleExperiment sample_experiment = write_sample_experiment(folder);
  DaemonProcess daemon(
      data, {"--datasets", sample_experiment.datasets.string(), "--page", "127.0.0.1:0"});
  const std::string address = page_address(daemon);
  ASSERT_FALSE(address.empty()) << daemon.errors();
  const auto stub = connect(data);
  ASSERT_TRUE(stub) << daemon.errors();
  grpc::ClientContext context;
  v1::SearchJob job;
  ASSERT_TRUE(
      stub->CreateSearchJob(&context, create_request(sample_experiment.text, "a"), &job).ok());
  watch(*stub, job.name());
  const HttpAnswer answer = http_get(address, "/metrics");
  ASSERT_EQ(answer.status, 200);
  for (const std::string& name : queried) {
    EXPECT_TRUE(std::regex_search(answer.body, std::regex("(^|\n)" + name + "[ {]"))) << name;
  }
  EXPECT_GE(std::stod(sample(answer.body, "hwnas_trials_total{state=\"COMPLETE\"}")), 20);
  EXPECT_THAT(answer.body, Not(HasSubstr("acme")));
}

}  // namespace
}  // namespace hwnas::service
