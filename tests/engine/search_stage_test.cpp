#include "engine/search_stage.hpp"

#include <gmock/gmock.h>

#include <set>

#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "search/strategy.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

using namespace std::chrono_literals;
using search::TrialState;
using testing::HasSubstr;

Experiment waves(const TemporaryFolder& folder, const std::vector<std::string>& sets = {}) {
  return Experiment::load(write_wave_experiment(folder), sets);
}

/// The finalists are another suite's matter.
const std::vector<std::string> kSearchOnly{"finalists.count=0", "export=[]"};

std::vector<std::string> search_only(std::vector<std::string> sets) {
  sets.insert(sets.end(), kSearchOnly.begin(), kSearchOnly.end());
  return sets;
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return std::string(to_string(error.code())) + ": " + error.what();
  }
  return "no error";
}

class EveryStrategy : public testing::TestWithParam<std::string> {
 protected:
  Experiment experiment() const {
    return Experiment::load(write_wave_experiment(folder_, GetParam()), kSearchOnly);
  }
  TemporaryFolder folder_;
};

TEST_P(EveryStrategy, FindsTheSameWithAnyNumberOfWorkers) {
  const Experiment experiment = this->experiment();
  const Training jittery = fake_training({.longest_epoch = 300us});
  std::set<std::string> histories;
  for (const int workers : {1, 2, 8}) {
    const auto run = folder_ / std::to_string(workers);
    start_run(experiment, {.folder = run, .workers = workers}, jittery);
    histories.insert(history_of(run));
  }
  EXPECT_EQ(histories.size(), 1U) << *histories.begin() << "\n---\n" << *histories.rbegin();
  EXPECT_THAT(*histories.begin(), HasSubstr("front"));
}

TEST_P(EveryStrategy, FindsTheSameWhenInterruptedAfterEveryTrial) {
  const Experiment experiment = this->experiment();
  start_run(experiment, {.folder = folder_ / "unbroken"}, fake_training());
  const auto run = folder_ / "broken";
  const int attempts =
      run_interrupted_after_every_message(experiment, run, fake_training({.longest_epoch = 200us}));
  EXPECT_GT(attempts, 4);
  EXPECT_EQ(history_of(run), history_of(folder_ / "unbroken"));
}

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  for (const search::StrategyInfo& info : search::strategies()) names.emplace_back(info.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryStrategy, testing::ValuesIn(strategy_names()),
                         [](const auto& name) { return name.param; });

TEST(Search, TrainsNoInfeasibleCandidateAndDoesNotCountIt) {
  const TemporaryFolder folder;
  std::atomic<int> trainings = 0;
  start_run(waves(folder, kSearchOnly), {.folder = folder / "run"},
            fake_training({.trainings = &trainings}));
  EXPECT_EQ(trainings, 20);
  int infeasible = 0;
  int evaluated = 0;
  for (const TrialRecord& trial : StoreReader(folder / "run").trials()) {
    if (trial.state != TrialState::kInfeasible) {
      ++evaluated;
      continue;
    }
    ++infeasible;
    EXPECT_GT(trial.violation, 0);
    EXPECT_THAT(trial.reason, HasSubstr("macs "));
    EXPECT_THAT(trial.reason, HasSubstr(" > 30000"));
  }
  EXPECT_EQ(evaluated, 20);
  EXPECT_GT(infeasible, 0);
}

TEST(Search, TrainsOnlyWhatKeepsALimitWithTheConfidenceAskedFor) {
  const TemporaryFolder folder;
  constexpr double kConfidence = 0.95;
  constexpr double kBoundMs = 1.5;
  start_run(
      waves(folder,
            search_only({fmt::format("limits={{ latency_ms: {{ at_most: {}, confidence: {} }} }}",
                                     kBoundMs, kConfidence)})),
      {.folder = folder / "run"}, fake_training());
  int nearly = 0;
  for (const TrialRecord& trial : StoreReader(folder / "run").trials()) {
    const auto& latency =
        *std::ranges::find(trial.metrics, "latency_ms", &report::MetricValue::name);
    const double upper = latency.value + 1.6448536269514722 * latency.standard_deviation;
    EXPECT_EQ(*trial.state == TrialState::kInfeasible, upper > kBoundMs);
    if (upper > kBoundMs && latency.value < kBoundMs) {
      ++nearly;
      EXPECT_THAT(trial.reason, HasSubstr("with confidence 0.95 (predicted "));
    }
  }
  EXPECT_GT(nearly, 0);
}

TEST(Search, EndsWhenTheSpaceIsExhausted) {
  const TemporaryFolder folder;
  const Experiment experiment =
      waves(folder, search_only({"search.trials=100000", "search.strategy=random",
                                 "space.stages=[ { depth: 1, channels: [ 4, 8 ], kernel: [ 3, 5 ],"
                                 " stride: 1 } ]"}));
  start_run(experiment, {.folder = folder / "run"}, fake_training());
  EXPECT_EQ(StoreReader(folder / "run").trials().size(), 4U);
}

TEST(Search, EndsWhenItsMinutesAreOver) {
  const TemporaryFolder folder;
  const Experiment experiment =
      waves(folder, search_only({"search.trials=100000", "search.minutes=0.005"}));
  start_run(experiment, {.folder = folder / "run"}, fake_training({.longest_epoch = 20ms}));
  const StoreReader store(folder / "run");
  const std::vector<TrialRecord> trials = store.trials();
  EXPECT_LT(trials.size(), 300U);
  for (const TrialRecord& trial : trials) EXPECT_TRUE(trial.state) << trial.id;
  const std::vector<StageRecord> stages = store.stages();
  const auto search = std::ranges::find(stages, Stage::kSearch, &StageRecord::stage);
  EXPECT_TRUE(search->done);
  EXPECT_GE(search->seconds, 0.3);
}

TEST(Search, InterruptedOverAndOverItsMinutesAreThoseOfAllAttempts) {
  const TemporaryFolder folder;
  const Experiment experiment =
      waves(folder, search_only({"search.trials=100000", "search.minutes=0.005"}));
  run_interrupted_after_every_message(experiment, folder / "run",
                                      fake_training({.longest_epoch = 20ms}));
  const StoreReader store(folder / "run");
  for (const TrialRecord& trial : store.trials()) EXPECT_TRUE(trial.state) << trial.id;
  EXPECT_LT(store.trials().size(), 300U);
}

TEST(Search, SaysThatNothingWasFeasibleInItsMinutes) {
  const TemporaryFolder folder;
  // The smallest of a million networks has 588.
  const Experiment experiment = waves(
      folder,
      search_only({"limits.macs=600", "search.max_infeasible=10000000", "search.minutes=0.001",
                   "search.strategy=random",
                   "space.stages=[ { depth: [ 1, 2, 3, 4 ], channels: [ 4, 8, 12, 16, 20, 24, 28 ],"
                   " kernel: [ 3, 5, 7, 9, 11, 13 ], stride: [ 1, 2 ] },"
                   " { depth: [ 1, 2, 3, 4 ], channels: [ 4, 8, 12, 16, 20, 24, 28 ],"
                   " kernel: [ 3, 5, 7, 9, 11, 13 ], stride: [ 1, 2 ] } ]"}));
  const std::string message =
      message_of([&] { start_run(experiment, {.folder = folder / "run"}, fake_training()); });
  EXPECT_THAT(message, HasSubstr("kept the limits in the 0.001 minutes of the search"));
}

TEST(Search, GivesUpAfterTooManyInfeasibleProposalsAndSaysHowFarOffTheyAre) {
  const TemporaryFolder folder;
  // Each limit can be kept, both together cannot: small networks are not the accurate ones' size.
  const Experiment experiment = waves(
      folder,
      search_only({"limits.macs=1200", "search.max_infeasible=10", "search.strategy=random"}));
  const std::string message =
      message_of([&] { start_run(experiment, {.folder = folder / "run"}, fake_training()); });
  EXPECT_THAT(message, HasSubstr("search failed: 10 proposals in a row broke limits"));
  EXPECT_THAT(message, HasSubstr("macs: limit 1200, smallest seen "));
  EXPECT_EQ(summarise_run(folder / "run").state, "failed");
}

TEST(Search, RefusesToReplayAnotherHistory) {
  const TemporaryFolder folder;
  const auto run = folder / "run";
  start_run(waves(folder, kSearchOnly), {.folder = run}, fake_training());
  {
    Database database(run / "run.db", Database::Access::kReadWrite);
    database.execute("UPDATE stage SET done = 0 WHERE name = 'search'");
    database.execute(
        "UPDATE trial SET genotype = (SELECT genotype FROM trial WHERE id = 4)"
        " WHERE id = 5");
  }
  EXPECT_THAT(message_of([&] { resume_run({.folder = run}, fake_training()); }),
              HasSubstr("trial 5 was "));
}

TEST(Search, TakesACrashedEvaluationForAFailedTrial) {
  const TemporaryFolder folder;
  Training training = fake_training();
  training.train_network = [inner = training.train_network,
                            count = 0](auto&&... arguments) mutable {
    if (++count % 2 == 0) throw std::runtime_error("out of luck");
    return inner(arguments...);
  };
  start_run(waves(folder, kSearchOnly), {.folder = folder / "run"}, training);
  int failed = 0;
  for (const TrialRecord& trial : StoreReader(folder / "run").trials()) {
    if (trial.state != TrialState::kFailed) continue;
    ++failed;
    EXPECT_EQ(trial.reason, "out of luck");
  }
  EXPECT_EQ(failed, 10);
}

TEST(Search, TakesAValueThatIsNotANumberForAFailure) {
  const TemporaryFolder folder;
  Training training = fake_training();
  training.train_network = [inner = training.train_network](auto&&... arguments) {
    train::TrainResult result = inner(arguments...);
    result.epochs.back().validation_top1 = std::nan("");
    return result;
  };
  const std::string message = message_of(
      [&] { start_run(waves(folder, kSearchOnly), {.folder = folder / "run"}, training); });
  EXPECT_THAT(message, HasSubstr("none of the 20 evaluated candidates is complete; trial "));
  EXPECT_THAT(message, HasSubstr("failed: val_top1 is nan"));
}

TEST(Search, ReportsProgressInOrder) {
  const TemporaryFolder folder;
  std::vector<Progress> reports;
  RunOptions options{.folder = folder / "run"};
  options.progress = [&](const Progress& progress) {
    if (progress.stage == "search") reports.push_back(progress);
  };
  start_run(waves(folder, kSearchOnly), options, fake_training());
  ASSERT_GE(reports.size(), 20U);
  EXPECT_EQ(reports.front().fraction, 0);
  EXPECT_EQ(reports.back().fraction, 1);
  EXPECT_TRUE(std::ranges::is_sorted(reports, {}, &Progress::fraction));
  EXPECT_THAT(reports, testing::Contains(testing::Field(&Progress::message, HasSubstr("val_top1")))
                           .Times(testing::Ge(20)));
}

}  // namespace
}  // namespace hwnas::engine
