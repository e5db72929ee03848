#include <gmock/gmock.h>

#include "core/error.hpp"
#include "engine/front.hpp"
#include "engine/pipeline.hpp"
#include "engine/rank_agreement.hpp"
#include "engine/run_facts.hpp"
#include "engine/supernet_evaluator.hpp"
#include "ir/initial_weights.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::engine {
namespace {

using testing::HasSubstr;

constexpr const char* kChecked =
    "supernet={epochs: 3, rank_check: {networks: 8, least_tau: 0.5, epochs: 1}}";

/// Training whose accuracies grow with the network, as the fake supernet's scores do; or, with
/// `sign` -1, fall.
Training training_by_size(double sign = 1) {
  Training training = fake_training();
  training.train_network = [sign](const ir::Network& network, const train::TrainData&,
                                  const train::TrainOptions& options, std::uint64_t seed,
                                  const train::TrainStart&, const train::EpochCallback& on_epoch,
                                  std::stop_token) {
    train::TrainResult result;
    for (int epoch = 1; epoch <= options.epochs; ++epoch) {
      result.epochs.push_back(
          {epoch, 1, 1, 80 + sign * 1e-5 * static_cast<double>(ir::macs(network)), 0});
      on_epoch(result.epochs.back());
    }
    result.weights = ir::initial_weights(network, seed);
    return result;
  };
  return training;
}

class SupernetStageTest : public testing::Test {
 protected:
  Experiment experiment(std::vector<std::string> more) const {
    more.insert(more.end(), {"finalists.count=0", "export=[]"});
    return Experiment::load(file_, more);
  }
  std::string fault_of(const std::vector<std::string>& sets) const {
    try {
      experiment(sets);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  const TemporaryFolder folder_;
  const std::filesystem::path file_ = write_wave_experiment(folder_);
};

TEST_F(SupernetStageTest, CandidatesAreScoredBySharedWeightsAndCalledPredicted) {
  const auto run = folder_ / "run";
  start_run(experiment({"evaluator={name: supernet, samples: 20}", kChecked}), {.folder = run},
            training_by_size());
  const StoreReader store(run);
  EXPECT_EQ(store.stages()[1].stage, Stage::kSupernet);
  EXPECT_TRUE(store.stages()[1].done);
  const auto agreement = rank_agreement(store.rank_check());
  ASSERT_TRUE(agreement);
  EXPECT_EQ(agreement->networks, 8);
  EXPECT_EQ(agreement->tau, 1);
  const report::RunSummary summary = summarise_run(run);
  ASSERT_TRUE(summary.rank_check);
  EXPECT_EQ(summary.rank_check->networks.size(), 8U);
  EXPECT_TRUE(summary.rank_check->used);
  EXPECT_EQ(summary.stages[1].name, "supernet");
  int scored = 0;
  for (const TrialRecord& trial : store.trials()) {
    for (const report::MetricValue& metric : trial.metrics) {
      if (metric.name != "val_top1") continue;
      ++scored;
      EXPECT_EQ(metric.origin, estimators::Origin::kPredicted);
      EXPECT_NEAR(metric.standard_deviation, agreement->residual, 1e-9);
    }
  }
  EXPECT_EQ(scored, 20);
}

TEST_F(SupernetStageTest, WithoutACheckNothingIsTrainedAlone) {
  std::atomic<int> trainings = 0;
  start_run(experiment({"evaluator={name: supernet}", "supernet={epochs: 2}"}),
            {.folder = folder_ / "run"}, fake_training({.trainings = &trainings}));
  EXPECT_EQ(trainings, 0);
  EXPECT_TRUE(std::filesystem::exists(supernet_file(folder_ / "run")));
}

TEST_F(SupernetStageTest, WithoutACheckTheScoreIsTheAccuracyWithSharedWeights) {
  const Experiment wanted =
      experiment({"evaluator={name: supernet, samples: 20}", "supernet={epochs: 2}"});
  start_run(wanted, {.folder = folder_ / "run"}, fake_training());
  const Inputs inputs = load_inputs(wanted);
  const Training training = fake_training();
  const auto supernet = make_run_supernet({wanted, inputs, training}, 1);
  supernet->train([](const train::EpochResult&) { return true; });
  int compared = 0;
  for (const TrialRecord& trial : StoreReader(folder_ / "run").trials()) {
    if (trial.state != search::TrialState::kComplete) continue;
    ++compared;
    EXPECT_EQ(best_known_value(trial.metrics, "val_top1"),
              supernet->score(trial.genotype, scored_samples({wanted, inputs, training})).top1);
  }
  EXPECT_GT(compared, 0);
}

TEST_F(SupernetStageTest, TheCheckScoresNetworksOnTheSamplesOfCandidates) {
  const Experiment wanted = experiment({"evaluator={name: supernet, samples: 20}", kChecked});
  const Training training = training_by_size();
  start_run(wanted, {.folder = folder_ / "run"}, training);
  const Inputs inputs = load_inputs(wanted);
  const EvaluatorContext context{wanted, inputs, training};
  const auto supernet = make_run_supernet(context, 1);
  supernet->train([](const train::EpochResult&) { return true; });
  for (const RankCheckRecord& network : StoreReader(folder_ / "run").rank_check()) {
    EXPECT_EQ(network.supernet_loss,
              supernet->score(network.genotype, scored_samples(context)).loss);
  }
}

TEST_F(SupernetStageTest, PredictionsAreWhatTheChecksLineMakesOfScores) {
  Training training = training_by_size();
  training.train_network = [inner = training.train_network](const ir::Network& network,
                                                            auto&&... rest) {
    train::TrainResult result = inner(network, rest...);
    for (train::EpochResult& epoch : result.epochs) {
      epoch.validation_top1 = 1e-3 * static_cast<double>(ir::parameters(network));
    }
    return result;
  };
  const Experiment wanted = experiment({"evaluator={name: supernet, samples: 20}", kChecked});
  start_run(wanted, {.folder = folder_ / "run"}, training);
  const StoreReader store(folder_ / "run");
  const auto agreement = rank_agreement(store.rank_check());
  const Inputs inputs = load_inputs(wanted);
  const EvaluatorContext context{wanted, inputs, training};
  const auto supernet = make_run_supernet(context, 1);
  supernet->train([](const train::EpochResult&) { return true; });
  for (const TrialRecord& trial : store.trials()) {
    if (trial.state != search::TrialState::kComplete) continue;
    const double loss = supernet->score(trial.genotype, scored_samples(context)).loss;
    const auto parameters = ir::parameters(inputs.space->decode(trial.genotype));
    EXPECT_NEAR(best_known_value(trial.metrics, "val_top1"),
                agreement->line.at(agreement->score(loss, parameters)), 1e-9);
  }
}

/// training_by_size, of whose trainings alone those diverge that `diverges` says, counted from 1.
Training training_that_diverges(std::atomic<int>& trainings,
                                const std::function<bool(int training)>& diverges) {
  Training training = training_by_size();
  training.train_network = [&trainings, diverges, inner = training.train_network](
                               const ir::Network& network, auto&&... rest) {
    const bool fails = diverges(++trainings);
    train::TrainResult result = inner(network, rest...);
    if (fails) {
      result.outcome = train::TrainOutcome::kDiverged;
      result.reason = "loss nan in epoch 1";
    }
    return result;
  };
  return training;
}

TEST_F(SupernetStageTest, NetworksOfTheCheckThatDivergeAreLeftOutAndNamed) {
  const auto run = folder_ / "run";
  std::atomic<int> trainings = 0;
  std::string messages;
  start_run(experiment({"evaluator={name: supernet}", kChecked}),
            {.folder = run,
             .progress = [&](const Progress& progress) { messages += progress.message + "\n"; }},
            training_that_diverges(trainings, [](int training) { return training == 3; }));
  EXPECT_EQ(rank_agreement(StoreReader(run).rank_check())->networks, 7);
  EXPECT_EQ(summarise_run(run).rank_check->networks.size(), 7U);
  EXPECT_THAT(messages, HasSubstr("is left out: loss nan in epoch 1"));
}

TEST_F(SupernetStageTest, ACheckOfWhichNoNetworkCanBeTrainedEndsTheRun) {
  const auto run = folder_ / "run";
  std::atomic<int> trainings = 0;
  const Training training = training_that_diverges(trainings, [](int) { return true; });
  EXPECT_THROW(
      start_run(experiment({"evaluator={name: supernet}", kChecked}), {.folder = run}, training),
      Error);
  try {
    resume_run({.folder = run}, training);
    FAIL() << "scores were used unchecked";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kSearchFailed);
    EXPECT_THAT(error.what(), HasSubstr("network 1: loss nan in epoch 1"));
  }
  EXPECT_EQ(trainings, 8);
}

TEST_F(SupernetStageTest, AskedToStopItBeginsNoOtherNetworkOfTheCheck) {
  std::atomic<int> trainings = 0;
  std::stop_source drain;
  const Training training = training_that_diverges(trainings, [&](int) {
    drain.request_stop();
    return false;
  });
  const RunResult result =
      start_run(experiment({"evaluator={name: supernet}", kChecked}),
                {.folder = folder_ / "run", .drain = drain.get_token(), .workers = 2}, training);
  EXPECT_EQ(result.state, RunState::kInterrupted);
  EXPECT_LE(trainings, 2);
}

TEST_F(SupernetStageTest, IsTheSameWhenInterruptedAfterEveryMessage) {
  const Experiment wanted = experiment({"evaluator={name: supernet}", kChecked});
  start_run(wanted, {.folder = folder_ / "unbroken"}, training_by_size());
  const auto run = folder_ / "broken";
  const int attempts = run_interrupted_after_every_message(wanted, run, training_by_size());
  EXPECT_GT(attempts, 6);
  EXPECT_EQ(history_of(run), history_of(folder_ / "unbroken"));
  const StoreReader broken(run), unbroken(folder_ / "unbroken");
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(broken.rank_check()[i].genotype, unbroken.rank_check()[i].genotype);
    EXPECT_EQ(broken.rank_check()[i].alone_top1, unbroken.rank_check()[i].alone_top1);
  }
}

TEST_F(SupernetStageTest, ASupernetThatRanksBadlyEndsTheRunWithItsTau) {
  const auto run = folder_ / "run";
  try {
    start_run(experiment({"evaluator={name: supernet}", kChecked}), {.folder = run},
              training_by_size(-1));
    FAIL() << "it was used";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kSearchFailed);
    EXPECT_THAT(error.what(), HasSubstr("Kendall's tau of -1.00 (-1.00 to -1.00, 8 networks"));
  }
  EXPECT_TRUE(StoreReader(run).trials().empty());
}

/// A check that the supernet fails: networks trained alone rank the other way round.
constexpr const char* kSplit =
    "supernet={epochs: 3, rank_check: {networks: 8, least_tau: 0.5, epochs: 1},"
    " few_shot: {epochs: 2}}";

/// training_by_size(-1), with splits that rank as it does, or as the supernet.
Training training_against_size(bool splits_rank_otherwise) {
  Training training = training_by_size(-1);
  training.make_supernet =
      fake_training({.splits_rank_otherwise = splits_rank_otherwise}).make_supernet;
  return training;
}

TEST_F(SupernetStageTest, OrIsSplitAndItsPartsScoreIfTheyRankWell) {
  const auto run = folder_ / "run";
  std::vector<std::string> messages;
  start_run(experiment({"evaluator={name: supernet}", kSplit}),
            {.folder = run,
             .progress =
                 [&](const Progress& progress) {
                   if (progress.stage == "supernet") messages.push_back(progress.message);
                 }},
            training_against_size(true));
  EXPECT_THAT(
      messages,
      testing::IsSupersetOf<testing::Matcher<std::string>>(
          {HasSubstr("tau -1.00 (-1.00 to -1.00) over 8 networks, by loss, below 0.5: the "
                     "supernet is split"),
           HasSubstr("is split by stage2.stride into 2 parts"), HasSubstr("few_shot: epoch 4"),
           HasSubstr("split supernet: Kendall's tau 1.00")}));
  const StoreReader store(run);
  EXPECT_EQ(store.few_shot()->decision, "stage2.stride");
  const auto check = store.rank_check();
  EXPECT_EQ(rank_agreement(check)->tau, -1);
  EXPECT_EQ(few_shot_agreement(check)->tau, 1);
  std::map<spaces::Genotype, double> losses;
  for (const RankCheckRecord& network : check) losses[network.genotype] = *network.few_shot_loss;
  const report::RunSummary summary = summarise_run(run);
  EXPECT_FALSE(summary.rank_check->used);
  ASSERT_TRUE(summary.rank_check->few_shot);
  EXPECT_TRUE(summary.rank_check->few_shot->used);
  EXPECT_EQ(summary.rank_check->few_shot->tau, 1);
  EXPECT_EQ(summary.rank_check->networks[0].few_shot_loss, check[0].few_shot_loss);
  for (const TrialRecord& trial : store.trials()) {
    if (trial.state != search::TrialState::kComplete) continue;
    const auto top1 = std::ranges::find(trial.metrics, "val_top1", &report::MetricValue::name);
    EXPECT_EQ(top1->origin, estimators::Origin::kPredicted);
    EXPECT_NEAR(top1->standard_deviation, few_shot_agreement(check)->residual, 1e-9);
    if (const auto same = losses.find(trial.genotype); same != losses.end()) {
      EXPECT_NEAR(top1->value, few_shot_agreement(check)->line.at(same->second), 1e-9);
    }
  }
}

TEST_F(SupernetStageTest, SplitsNothingThatRanksWell) {
  const auto run = folder_ / "run";
  start_run(experiment({"evaluator={name: supernet}", kSplit}), {.folder = run},
            training_by_size());
  EXPECT_FALSE(StoreReader(run).few_shot());
  EXPECT_FALSE(std::filesystem::exists(few_shot_file(run)));
  EXPECT_FALSE(summarise_run(run).rank_check->few_shot);
}

TEST_F(SupernetStageTest, SplitItIsTheSameWhenInterruptedAfterEveryMessage) {
  const Experiment wanted = experiment({"evaluator={name: supernet}", kSplit});
  const Training training = training_against_size(true);
  start_run(wanted, {.folder = folder_ / "unbroken"}, training);
  const auto run = folder_ / "broken";
  const int attempts = run_interrupted_after_every_message(wanted, run, training);
  EXPECT_GT(attempts, 10);
  EXPECT_EQ(history_of(run), history_of(folder_ / "unbroken"));
  EXPECT_EQ(few_shot_agreement(StoreReader(run).rank_check())->residual,
            few_shot_agreement(StoreReader(folder_ / "unbroken").rank_check())->residual);
}

TEST_F(SupernetStageTest, ASplitThatRanksBadlyTooEndsTheRunWithBothTaus) {
  const auto run = folder_ / "run";
  try {
    start_run(experiment({"evaluator={name: supernet}", kSplit}), {.folder = run},
              training_against_size(false));
    FAIL() << "it was used";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kSearchFailed);
    EXPECT_THAT(error.what(), HasSubstr("Kendall's tau of -1.00 (-1.00 to -1.00, 8 networks "
                                        "trained alone), split with one of -1.00"));
  }
  EXPECT_FALSE(summarise_run(run).rank_check->few_shot->used);
}

TEST_F(SupernetStageTest, OrLetsCandidatesBeTrainedAloneWhereThatIsWanted) {
  const auto run = folder_ / "run";
  start_run(experiment({"evaluator={name: supernet, otherwise: {epochs: 2}}", kChecked}),
            {.folder = run}, training_by_size(-1));
  for (const TrialRecord& trial : StoreReader(run).trials()) {
    if (trial.state != search::TrialState::kComplete) continue;
    EXPECT_EQ(trial.curve.size(), 2U);
    const auto top1 = std::ranges::find(trial.metrics, "val_top1", &report::MetricValue::name);
    EXPECT_EQ(top1->origin, estimators::Origin::kMeasured);
  }
}

/// Calls `look` with each finalist and what it is trained from.
template <typename Look>
void look_at_finalists(Training& training, const Look& look) {
  training.train_network = [look, inner = training.train_network](
                               const ir::Network& network, const train::TrainData& data,
                               const train::TrainOptions& options, std::uint64_t seed,
                               const train::TrainStart& start, auto&&... rest) {
    if (options.epochs == 4) look(network, start);
    return inner(network, data, options, seed, start, rest...);
  };
}

TEST_F(SupernetStageTest, FinalistsStartFromItsWeightsAndLearnFromItsLargestNetwork) {
  Training training = training_by_size();
  std::atomic<int> inherited = 0;
  look_at_finalists(training, [&](const ir::Network& network, const train::TrainStart& start) {
    EXPECT_TRUE(start.weights && start.teacher != nullptr);
    ir::verify(network, *start.weights);
    EXPECT_GE(ir::macs(start.teacher->network), ir::macs(network));
    ++inherited;
  });
  const Experiment wanted =
      Experiment::load(file_, {"evaluator={name: supernet}", "supernet={epochs: 2}", "export=[]"});
  start_run(wanted, {.folder = folder_ / "run"}, training);
  EXPECT_EQ(inherited, 2);
}

TEST_F(SupernetStageTest, FinalistsOfASplitSupernetStartFromItsParts) {
  Training training = training_against_size(true);
  std::atomic<int> inherited = 0;
  look_at_finalists(training, [&](const ir::Network& network, const train::TrainStart& start) {
    EXPECT_EQ(start.weights, ir::zoo::random_weights(network, 2));
    EXPECT_EQ(start.teacher->weights, ir::zoo::random_weights(start.teacher->network, 2));
    ++inherited;
  });
  const Experiment wanted =
      Experiment::load(file_, {"evaluator={name: supernet}", kSplit, "export=[]"});
  start_run(wanted, {.folder = folder_ / "run"}, training);
  EXPECT_EQ(inherited, 1);  // the smallest network is the best in both objectives
}

TEST_F(SupernetStageTest, SectionAndEvaluatorBelongTogether) {
  EXPECT_THAT(fault_of({"evaluator={name: supernet}"}), HasSubstr("give the section 'supernet'"));
  EXPECT_THAT(fault_of({"supernet={epochs: 2}"}), HasSubstr("nothing uses it"));
  EXPECT_THAT(fault_of({"evaluator={name: supernet}", "supernet={scheme: greedy}"}),
              HasSubstr("supernet.scheme"));
  EXPECT_THAT(fault_of({"evaluator={name: supernet, otherwise: {steps: 2}}", kChecked}),
              HasSubstr("steps"));
  EXPECT_THAT(fault_of({"evaluator={name: supernet}", "supernet={few_shot: {epochs: 2}}"}),
              HasSubstr("give supernet.rank_check"));
  EXPECT_THAT(fault_of({"evaluator={name: supernet}",
                        "supernet={rank_check: {networks: 8, least_tau: 0}, few_shot: {}}"}),
              HasSubstr("epochs"));
}

}  // namespace
}  // namespace hwnas::engine
