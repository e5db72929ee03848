#include "engine/pipeline.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/front.hpp"
#include "engine/stages.hpp"
#include "engine/store.hpp"
#include "engine/verify.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

class Pipeline : public testing::Test {
 protected:
  Experiment waves(const std::vector<std::string>& sets = {}) const {
    return Experiment::load(write_wave_experiment(folder_), sets);
  }
  fs::path run() const { return folder_ / "run"; }

  TemporaryFolder folder_;
};

const report::MetricValue* find_metric(const report::FinalistSummary& finalist,
                                       const std::string& name, estimators::Origin origin) {
  for (const report::MetricValue& metric : finalist.metrics) {
    if (metric.name == name && metric.origin == origin) return &metric;
  }
  return nullptr;
}

TEST_F(Pipeline, LeavesEverythingThatARunPromises) {
  const RunResult result = start_run(waves(), {.folder = run()}, fake_training());
  EXPECT_EQ(result.state, RunState::kFinished);
  EXPECT_TRUE(fs::exists(result.report_html));
  EXPECT_TRUE(fs::exists(run() / "report.json"));
  EXPECT_TRUE(fs::exists(run() / "trials.csv"));
  EXPECT_TRUE(fs::exists(result.exported_onnx));
  EXPECT_TRUE(fs::exists(run() / "export" / "manifest.json"));

  const report::RunSummary summary = summarise_run(run());
  EXPECT_EQ(summary.state, "finished");
  EXPECT_EQ(summary.name, "waves");
  EXPECT_EQ(summary.space, "conv1d");
  EXPECT_EQ(summary.strategy, "nsga2");
  EXPECT_EQ(summary.device, "stm32f746");
  EXPECT_EQ(summary.stages.size(), 6U);
  for (const report::StageSummary& stage : summary.stages) EXPECT_EQ(stage.state, "done");
  ASSERT_EQ(summary.finalists.size(), 2U);
  ASSERT_EQ(summary.artifacts.size(), 1U);
  EXPECT_EQ(summary.artifacts[0].format, "onnx");
}

TEST_F(Pipeline, ChoosesTheFinalistWithTheBestValidationAccuracy) {
  const RunResult result = start_run(waves(), {.folder = run()}, fake_training());
  double best = 0;
  double chosen = 0;
  for (const report::FinalistSummary& finalist : summarise_run(run()).finalists) {
    const auto* top1 = find_metric(finalist, "val_top1", estimators::Origin::kMeasured);
    ASSERT_NE(top1, nullptr);
    best = std::max(best, top1->value);
    EXPECT_EQ(finalist.chosen, finalist.trial == result.chosen_trial);
    EXPECT_EQ(finalist.test_top1.has_value(), finalist.chosen);
    if (finalist.chosen) chosen = top1->value;
  }
  EXPECT_EQ(chosen, best);
}

TEST_F(Pipeline, ShowsHostLatencyBothPredictedAndMeasured) {
  start_run(waves(), {.folder = run()}, fake_training());
  for (const report::FinalistSummary& finalist : summarise_run(run()).finalists) {
    const auto* measured = find_metric(finalist, "host_latency_ms", estimators::Origin::kMeasured);
    ASSERT_NE(measured, nullptr);
    EXPECT_EQ(measured->value, 1.25);
    const auto* predicted =
        find_metric(finalist, "host_latency_ms", estimators::Origin::kPredicted);
    ASSERT_NE(predicted, nullptr);
    EXPECT_GT(predicted->value, 0);
  }
}

TEST_F(Pipeline, LooksAtTheTestDataOnce) {
  std::atomic<int> passes = 0;
  const Training training = fake_training({.test_passes = &passes});
  start_run(waves(), {.folder = run()}, training);
  {
    Database database(run() / "run.db", Database::Access::kReadWrite);
    database.execute("UPDATE stage SET done = 0 WHERE name IN ('export', 'report')");
  }
  resume_run({.folder = run()}, training);
  EXPECT_EQ(passes, 1);
  const auto manifest = nlohmann::json::parse(std::ifstream(run() / "export" / "manifest.json"));
  EXPECT_THAT(manifest.dump(), HasSubstr("test_top1"));
}

TEST_F(Pipeline, TrainsNoFinalistTwice) {
  const Experiment experiment = waves();
  std::atomic<int> trainings = 0;
  const Training training = fake_training({.trainings = &trainings});
  std::stop_source drain;
  RunOptions options{.folder = run(), .drain = drain.get_token(), .workers = 1};
  options.progress = [&](const Progress& progress) {
    if (progress.message.ends_with("is trained")) drain.request_stop();
  };
  EXPECT_EQ(start_run(experiment, options, training).state, RunState::kInterrupted);
  const auto count_trained = [&] {
    const auto finalists = StoreReader(run()).finalists();
    return std::ranges::count(finalists, true, &FinalistRecord::trained);
  };
  EXPECT_EQ(summarise_run(run()).state, "interrupted");
  const auto trained_before = count_trained();
  EXPECT_GE(trained_before, 1);
  trainings = 0;
  EXPECT_EQ(resume_run({.folder = run()}, training).state, RunState::kFinished);
  EXPECT_EQ(trainings, 2 - trained_before);
  EXPECT_EQ(count_trained(), 2);
}

TEST_F(Pipeline, DoesNothingOnAFinishedRun) {
  start_run(waves(), {.folder = run()}, fake_training());
  const std::string history = history_of(run());
  std::atomic<int> trainings = 0;
  fs::remove(folder_ / "train.csv");  // not even the data are read
  const RunResult result = resume_run({.folder = run()}, fake_training({.trainings = &trainings}));
  EXPECT_EQ(result.state, RunState::kFinished);
  EXPECT_TRUE(fs::exists(result.exported_onnx));
  EXPECT_EQ(trainings, 0);
  EXPECT_EQ(history_of(run()), history);
}

TEST_F(Pipeline, RefusesALimitThatNoNetworkKeepsAndCreatesNothing) {
  const Experiment experiment = waves({"limits.flash_bytes=10"});
  try {
    start_run(experiment, {.folder = run()}, fake_training());
    FAIL() << "started";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFailedPrecondition);
    EXPECT_THAT(error.what(), HasSubstr("limits.flash_bytes: no network of the space keeps 10; "
                                        "the smallest "));
  }
  EXPECT_FALSE(fs::exists(run()));
}

TEST_F(Pipeline, RefusesMoreWorkersThanTheMachineHasCoresAndCreatesNothing) {
  Training training = fake_training();
  training.set_worker_threads = [](int workers, int threads) {
    throw invalid_argument("{} workers of {} threads", workers, threads);
  };
  try {
    start_run(waves({"execution.threads=3"}), {.folder = run(), .workers = 5}, training);
    FAIL() << "started";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "5 workers of 3 threads");
  }
  EXPECT_FALSE(fs::exists(run()));
}

TEST_F(Pipeline, RefusesAFolderThatHoldsARun) {
  start_run(waves({"finalists.count=0", "export=[]"}), {.folder = run()}, fake_training());
  try {
    start_run(waves(), {.folder = run()}, fake_training());
    FAIL() << "started";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kAlreadyExists);
  }
}

TEST_F(Pipeline, NotesWhyARunFailed) {
  Training training = fake_training();
  training.evaluate_network = [](auto&&...) -> train::Evaluation {
    throw Error(ErrorCode::kInternal, "no luck");
  };
  EXPECT_THROW(start_run(waves(), {.folder = run()}, training), Error);
  EXPECT_EQ(summarise_run(run()).state, "failed");
  EXPECT_EQ(StoreReader(run()).run().failure, "no luck");
  EXPECT_EQ(resume_run({.folder = run()}, fake_training()).state, RunState::kFinished);
  EXPECT_EQ(summarise_run(run()).state, "finished");
}

TEST_F(Pipeline, SaysThatNoFinalistCouldBeTrained) {
  Training training = fake_training();
  training.train_network = [inner = training.train_network](
                               const ir::Network& network, const train::TrainData& data,
                               const train::TrainOptions& options, auto&&... rest) {
    if (options.epochs == 4) throw Error(ErrorCode::kInternal, "out of memory");
    return inner(network, data, options, rest...);
  };
  try {
    start_run(waves(), {.folder = run()}, training);
    FAIL() << "finished";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("no finalist could be trained"));
    EXPECT_THAT(error.what(), HasSubstr("out of memory"));
  }
}

TEST_F(Pipeline, ExportsAgainWhatTheRunExportedButNothingElseInItsPlace) {
  start_run(waves({"export=[ onnx, tflite ]"}), {.folder = run()}, fake_training());
  const auto artifacts = [&] {
    std::map<std::string, std::string> digests;
    const auto manifest = nlohmann::json::parse(std::ifstream(run() / "export" / "manifest.json"));
    for (const auto& artifact : manifest.at("artifacts")) {
      digests[artifact.at("format")] = artifact.at("sha256");
    }
    return digests;
  };
  const auto exported = artifacts();
  EXPECT_EQ(exported.size(), 2U);
  fs::remove_all(run() / "export");
  export_run(run(), {}, {}, std::nullopt);
  EXPECT_EQ(artifacts(), exported);
  EXPECT_THROW(export_run(run(), {"onnx"}, {}, std::nullopt), Error);
  EXPECT_THROW(export_run(run(), {}, {}, StoreReader(run()).finalists().at(0).trial), Error);
  EXPECT_EQ(artifacts(), exported);
}

TEST_F(Pipeline, TheManifestHasTheBestKnownValueOfAMetric) {
  start_run(waves(), {.folder = run()}, fake_training());
  for (const FinalistRecord& finalist : StoreReader(run()).finalists()) {
    const fs::path to = folder_ / fmt::format("again_{}", finalist.trial);
    export_run(run(), {"onnx"}, to, finalist.trial);
    const auto manifest = nlohmann::json::parse(std::ifstream(to / "manifest.json"));
    int of_several = 0;
    for (const report::MetricValue& metric : finalist.metrics) {
      const report::MetricValue& best = best_known(finalist.metrics, metric.name);
      of_several += best.origin == metric.origin ? 0 : 1;
      EXPECT_EQ(manifest["metrics"][metric.name]["value"], best.value) << metric.name;
    }
    EXPECT_GT(of_several, 0);
  }
}

TEST_F(Pipeline, RefusesWeightsThatAreNotThoseThatWereTrained) {
  start_run(waves(), {.folder = run()}, fake_training());
  const std::string file = StoreReader(run()).finalists().at(0).weights_file;
  std::ofstream(run() / file, std::ios::app) << "x";
  const std::uint64_t trial = StoreReader(run()).finalists().at(0).trial;
  EXPECT_THROW(export_run(run(), {"onnx"}, folder_ / "again", trial), Error);
}

TEST_F(Pipeline, ExportsAnyFinalistAgain) {
  start_run(waves(), {.folder = run()}, fake_training());
  for (const FinalistRecord& finalist : StoreReader(run()).finalists()) {
    const fs::path to = folder_ / fmt::format("again_{}", finalist.trial);
    export_run(run(), {"onnx"}, to, finalist.trial);
    EXPECT_TRUE(fs::exists(to / "manifest.json"));
    EXPECT_EQ(verify_artifact(to / "waves.onnx", run(), finalist.trial).format, "onnx");
  }
  try {
    export_run(run(), {"onnx"}, folder_ / "none", 12345);
    FAIL() << "exported";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("trial 12345 is not a trained finalist; there are: "));
  }
}

TEST(SpreadOverFront, TakesTheBestAndThenEvenStepsToTheEnd) {
  std::vector<search::ParetoPoint> front;
  for (std::uint64_t id = 0; id < 9; ++id) front.push_back({id, {double(id)}});
  EXPECT_THAT(spread_over_front(front, 1), ElementsAre(0));
  EXPECT_THAT(spread_over_front(front, 3), ElementsAre(0, 4, 8));
  EXPECT_THAT(spread_over_front(std::span(front).first(2), 5), ElementsAre(0, 1));
}

}  // namespace
}  // namespace hwnas::engine
