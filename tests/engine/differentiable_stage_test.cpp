#include <gmock/gmock.h>

#include "core/error.hpp"
#include "engine/costs.hpp"
#include "engine/differentiable_file.hpp"
#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

using testing::HasSubstr;

constexpr const char* kShort = "differentiable={steps: 40, samples: 50, paths: 4, entropy: 0.01}";

/// The fake supernet's networks are the better, the larger they are.
class DifferentiableStageTest : public testing::Test {
 protected:
  Experiment experiment(std::vector<std::string> more = {kShort}) const {
    more.insert(more.begin(), {"finalists.count=0", "export=[]", "supernet={epochs: 2}",
                               "evaluator={name: supernet}"});
    return Experiment::load(file_, more);
  }
  report::DifferentiableSummary found_by(const Experiment& wanted, const std::string& name,
                                         int workers = 2) const {
    start_run(wanted, {.folder = folder_ / name, .workers = workers}, fake_training());
    return *summarise_run(folder_ / name).differentiable;
  }

  const TemporaryFolder folder_;
  const std::filesystem::path file_ = write_wave_experiment(folder_);
};

TEST_F(DifferentiableStageTest, YieldsANetworkWithinTheLimitsWhichTheSearchTriesFirst) {
  const report::DifferentiableSummary found = found_by(experiment(), "run");
  EXPECT_EQ(found.steps, 40);
  EXPECT_EQ(found.cost_metric, "latency_ms");
  EXPECT_LT(found.entropy, found.uniform_entropy);
  EXPECT_GT(found.feasible_share, 0.5);
  const report::RunSummary run = summarise_run(folder_ / "run");
  EXPECT_EQ(run.stages[2].name, "differentiable");
  EXPECT_EQ(run.stages[2].state, "done");
  EXPECT_EQ(run.trials[0].genotype, found.genotype);
  EXPECT_EQ(run.trials[0].state, search::TrialState::kComplete);
  EXPECT_EQ(run.trials[0].description, found.description);
  const auto latency =
      std::ranges::find(run.trials[0].metrics, "latency_ms", &report::MetricValue::name);
  EXPECT_EQ(latency->value, found.cost);
}

TEST_F(DifferentiableStageTest, FindsALargeNetworkWithinTheLimitUnlessCostsWeighMore) {
  const auto weighing = [&](const std::string& weight) {
    return found_by(
        experiment({"differentiable={steps: 80, samples: 50, hardware_weight: " + weight + "}"}),
        "weight" + weight);
  };
  const report::DifferentiableSummary accurate = weighing("0");
  const report::DifferentiableSummary cheap = weighing("3");
  EXPECT_LT(cheap.cost, 0.7 * accurate.cost);
  EXPECT_LT(cheap.expected_cost, 0.7 * accurate.expected_cost);
  EXPECT_GT(cheap.cross_entropy, accurate.cross_entropy);
}

TEST_F(DifferentiableStageTest, EndsTheSameWhenInterruptedAfterEveryMessage) {
  const Experiment wanted = experiment();
  found_by(wanted, "unbroken");
  const int attempts =
      run_interrupted_after_every_message(wanted, folder_ / "broken", fake_training());
  EXPECT_GT(attempts, 6);
  const DifferentiableRecord broken = load_differentiable(folder_ / "broken");
  const DifferentiableRecord unbroken = load_differentiable(folder_ / "unbroken");
  EXPECT_EQ(broken.state.logits, unbroken.state.logits);
  EXPECT_EQ(broken.reference_cost, unbroken.reference_cost);
  EXPECT_EQ(broken.summary->genotype, unbroken.summary->genotype);
  EXPECT_EQ(history_of(folder_ / "broken"), history_of(folder_ / "unbroken"));
}

TEST_F(DifferentiableStageTest, EndsTheSameWhateverTheNumberOfWorkers) {
  found_by(experiment(), "one", 1);
  found_by(experiment(), "four", 4);
  EXPECT_EQ(load_differentiable(folder_ / "one").state.logits,
            load_differentiable(folder_ / "four").state.logits);
  EXPECT_EQ(history_of(folder_ / "one"), history_of(folder_ / "four"));
}

TEST_F(DifferentiableStageTest, IsSkippedWithItsReasonWhereTheSupernetRanksBadly) {
  Training training = fake_training();
  training.train_network = [](const ir::Network& network, auto&&...) {
    train::TrainResult result;
    result.epochs = {{1, 1, 1, 80 - 1e-5 * static_cast<double>(ir::macs(network)), 0}};
    return result;
  };
  std::string said;
  RunOptions options{.folder = folder_ / "run"};
  options.progress = [&](const Progress& progress) {
    if (progress.stage == "differentiable") said += progress.message;
  };
  start_run(experiment({kShort, "evaluator={name: supernet, otherwise: {epochs: 1}}",
                        "supernet={epochs: 2, rank_check: {networks: 8, least_tau: 0.5}}"}),
            options, training);
  const report::RunSummary run = summarise_run(folder_ / "run");
  EXPECT_THAT(run.differentiable->skipped, HasSubstr("tau -1.00 is below 0.5"));
  EXPECT_THAT(said, HasSubstr("skipped, since the supernet's scores are not to be trusted"));
  EXPECT_TRUE(run.differentiable->genotype.empty());
  EXPECT_EQ(run.state, "finished");
}

TEST_F(DifferentiableStageTest, SaysSoWhereItDrawsNoNetworkWithinTheLimits) {
  const report::DifferentiableSummary found = found_by(
      experiment({"differentiable={steps: 1, samples: 2, paths: 2}", "limits={macs: 1500}"}),
      "run");
  EXPECT_EQ(found.genotype, "");
  EXPECT_EQ(found.feasible_share, 0);
  EXPECT_FALSE(start_of_search(load_differentiable(folder_ / "run")).distribution);
}

TEST_F(DifferentiableStageTest, NeedsASupernetAndKnownKeys) {
  const auto fault_of = [&](const std::vector<std::string>& sets) -> std::string {
    try {
      Experiment::load(file_, sets);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(fault_of({kShort}), HasSubstr("give the section 'supernet'"));
  EXPECT_THAT(fault_of({"differentiable={step: 3}"}), HasSubstr("steps"));
  EXPECT_THAT(fault_of({"differentiable={paths: 1}"}), HasSubstr("differentiable.paths"));
}

TEST_F(DifferentiableStageTest, ADamagedFileIsNamed) {
  folder_.write("run/differentiable.json", "{\"schema\": \"hwnas.differentiable/1\"");
  EXPECT_THROW(load_differentiable(folder_ / "run"), Error);
  EXPECT_FALSE(find_differentiable(folder_ / "other").has_value());
}

}  // namespace
}  // namespace hwnas::engine
