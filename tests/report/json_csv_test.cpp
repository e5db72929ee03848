#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/csv.hpp"
#include "report/report.hpp"
#include "tests/report/sample_run.hpp"

namespace hwnas::report {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Json, HasEveryFieldOfItsSchema) {
  const RunSummary run = sample::finished_run();
  const nlohmann::json json = render_json(run);
  EXPECT_EQ(json.at("schema"), "hwnas.report/3");
  for (const char* field :
       {"name", "state", "started", "hwnas_version", "machine", "seed", "config_yaml", "space",
        "strategy", "device", "runtime", "objectives", "limits", "hypervolume", "trials",
        "finalists", "stages", "artifacts"}) {
    EXPECT_TRUE(json.contains(field)) << field;
  }
  const nlohmann::json& trial = json.at("trials").at(run.finalists[0].trial);
  for (const char* field : {"id", "genotype", "description", "state", "reason", "metrics", "curve",
                            "start_seconds", "end_seconds", "worker", "on_front"}) {
    EXPECT_TRUE(trial.contains(field)) << field;
  }
  for (const char* field : {"name", "value", "unit", "standard_deviation", "origin"}) {
    EXPECT_TRUE(trial.at("metrics").at(0).contains(field)) << field;
  }
  EXPECT_EQ(json.at("hypervolume").at("values").size(), run.trials.size());
}

TEST(Json, SaysTheOriginOfEveryNumber) {
  const nlohmann::json json = render_json(sample::finished_run());
  std::map<std::string, std::vector<std::string>> origins;
  for (const auto& metric : json.at("finalists").at(0).at("metrics")) {
    origins[metric.at("name")].push_back(metric.at("origin"));
  }
  EXPECT_THAT(origins["latency_ms"], ::testing::ElementsAre("predicted", "measured"));
  EXPECT_THAT(origins["macs"], ::testing::ElementsAre("exact"));
}

TEST(Json, HoldsNetworksThatReadBackEqual) {
  const RunSummary run = sample::finished_run();
  const nlohmann::json json = render_json(run);
  for (std::size_t i = 0; i < run.finalists.size(); ++i) {
    const auto& network = json.at("finalists").at(i).at("network");
    EXPECT_EQ(ir::network_from_json(network), run.finalists[i].network);
  }
  EXPECT_TRUE(json.at("finalists").at(1).at("test_top1").is_null());
}

TEST(Json, HasTheDistributionThatTheSearchStartedFrom) {
  RunSummary run = sample::finished_run();
  EXPECT_TRUE(render_json(run).at("differentiable").is_null());
  run.differentiable = DifferentiableSummary{
      .steps = 3, .genotype = "1", .decisions = {{"width", {"0.5", "1"}, {0.25, 0.75}}}};
  const nlohmann::json json = render_json(run).at("differentiable");
  EXPECT_EQ(json.at("genotype"), "1");
  EXPECT_EQ(json.at("decisions").at(0).at("options").at(1), "1");
  EXPECT_EQ(json.at("decisions").at(0).at("probabilities").at(1), 0.75);
}

TEST(Json, HasBothSupernetsOfTheRankCheck) {
  RunSummary run = sample::finished_run();
  run.rank_check = RankCheckSummary{
      .networks = {{"0-1", 0.5, 85, 0.25}}, .tau = 0.25, .line = {-12.5, 0}, .used = false};
  const nlohmann::json once = render_json(run).at("rank_check");
  EXPECT_TRUE(once.at("few_shot").is_null());
  run.rank_check->few_shot = FewShotSummary{.decision = "width", .similarity = 0.125, .tau = 0.75};
  const nlohmann::json json = render_json(run).at("rank_check");
  EXPECT_EQ(json.at("tau"), 0.25);
  EXPECT_EQ(json.at("used"), false);
  EXPECT_EQ(json.at("few_shot").at("tau"), 0.75);
  EXPECT_EQ(json.at("few_shot").at("used"), true);
  EXPECT_EQ(json.at("few_shot").at("decision"), "width");
  EXPECT_EQ(json.at("networks").at(0).at("few_shot_loss"), 0.25);
  EXPECT_EQ(json.at("slope"), -12.5);
}

TEST(Json, OfAnEmptyRunHasEmptyLists) {
  const nlohmann::json json = render_json(sample::empty_run());
  for (const char* field : {"trials", "finalists", "stages", "artifacts"}) {
    EXPECT_TRUE(json.at(field).is_array() && json.at(field).empty()) << field;
  }
}

TEST(Csv, ReadsBackWithOneLineATrialAndOneColumnAMetricAndOrigin) {
  const RunSummary run = sample::finished_run();
  CsvReader csv(render_csv(run), "trials.csv");
  const std::size_t latency = csv.column("latency_ms.predicted");
  const std::size_t id = csv.column("id");
  EXPECT_TRUE(csv.has_column("latency_ms.predicted.standard_deviation"));
  EXPECT_FALSE(csv.has_column("macs.exact.standard_deviation"));
  std::size_t rows = 0;
  for (; csv.next(); ++rows) {
    EXPECT_EQ(static_cast<std::size_t>(csv.integer(id)), rows);
    EXPECT_GT(csv.number(latency), 0);
  }
  EXPECT_EQ(rows, run.trials.size());
}

TEST(Csv, KeepsMeasuredAndPredictedApart) {
  RunSummary run = sample::make_run(1);
  run.trials[0].metrics = {{"latency_ms", 3.5, 0.5, estimators::Origin::kPredicted},
                           {"latency_ms", 4.25, 0, estimators::Origin::kMeasured}};
  CsvReader csv(render_csv(run), "trials.csv");
  ASSERT_TRUE(csv.next());
  EXPECT_EQ(csv.text(csv.column("latency_ms.predicted")), "3.5");
  EXPECT_EQ(csv.text(csv.column("latency_ms.measured")), "4.25");
}

TEST(Csv, QuotesWhatRfc4180AsksFor) {
  RunSummary run = sample::make_run(1);
  run.trials[0].reason = "a \"b\", c\nd";
  EXPECT_THAT(render_csv(run), HasSubstr("\"a \"\"b\"\", c\nd\""));
  CsvReader csv(render_csv(run), "trials.csv");
  ASSERT_TRUE(csv.next());
  EXPECT_EQ(csv.text(csv.column("reason")), run.trials[0].reason);
}

TEST(Csv, DisarmsWhatASpreadsheetWouldRun) {
  for (const std::string attack : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"}) {
    RunSummary run = sample::make_run(1);
    run.trials[0].description = attack;
    EXPECT_THAT(render_csv(run), HasSubstr("'" + attack));
  }
}

TEST(Csv, LeavesNegativeNumbersNumbers) {
  RunSummary run = sample::make_run(1);
  run.trials[0].metrics = {{"margin_ms", -3.5, 0, estimators::Origin::kExact}};
  CsvReader csv(render_csv(run), "trials.csv");
  ASSERT_TRUE(csv.next());
  EXPECT_EQ(csv.number(csv.column("margin_ms.exact")), -3.5);
}

TEST(Csv, OfAnEmptyRunIsItsHeader) {
  EXPECT_THAT(render_csv(sample::empty_run()), StartsWith("id,state,"));
}

}  // namespace
}  // namespace hwnas::report
