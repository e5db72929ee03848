#include "engine/train_evaluator.hpp"

#include <gmock/gmock.h>

#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

using search::TrialState;

class TrainEvaluator : public testing::Test {
 protected:
  /// Evaluates one candidate with a training that ends its epochs with these accuracies.
  std::optional<Evaluation> evaluate(const std::vector<double>& top1,
                                     const std::vector<std::string>& sets = {},
                                     train::TrainOutcome outcome = train::TrainOutcome::kComplete) {
    const Experiment experiment = Experiment::load(write_wave_experiment(folder_), sets);
    const Inputs inputs = load_inputs(experiment);
    Training training;
    training.train_network = [&](const ir::Network&, const train::TrainData& data,
                                 const train::TrainOptions& options, std::uint64_t seed,
                                 const train::TrainStart&, const train::EpochCallback& on_epoch,
                                 std::stop_token) {
      samples_ = {data.train.begin(), data.train.end()};
      validation_ = {data.validation.begin(), data.validation.end()};
      options_ = options;
      seed_ = seed;
      train::TrainResult result{.outcome = outcome, .epochs = {}, .weights = {}, .reason = "why"};
      for (const double value : top1) {
        result.epochs.push_back({static_cast<int>(result.epochs.size()) + 1, 1, 1, value, 0});
        if (on_epoch(result.epochs.back())) continue;
        result.outcome = train::TrainOutcome::kHopeless;
        break;
      }
      return result;
    };
    const auto evaluator = make_train_evaluator({experiment, inputs, training});
    const spaces::Genotype genotype{
        std::vector<std::uint16_t>(inputs.space->decisions().size(), 0)};
    const ir::Network network = inputs.space->decode(genotype);
    return evaluator->evaluate({5, genotype, network, 99},
                               [&](const report::CurvePoint& point) { curve_.push_back(point); },
                               {});
  }

  TemporaryFolder folder_;
  std::vector<std::size_t> samples_;
  std::vector<std::size_t> validation_;
  train::TrainOptions options_;
  std::uint64_t seed_ = 0;
  std::vector<report::CurvePoint> curve_;
};

TEST_F(TrainEvaluator, GivesTheLastValidationAccuracyAndTheWholeCurve) {
  const auto evaluation = evaluate({50, 70, 65});
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->state, TrialState::kComplete);
  ASSERT_EQ(evaluation->metrics.size(), 1U);
  EXPECT_EQ(evaluation->metrics[0].name, "val_top1");
  EXPECT_EQ(evaluation->metrics[0].value, 65);
  EXPECT_EQ(evaluation->metrics[0].origin, estimators::Origin::kMeasured);
  EXPECT_EQ(curve_.size(), 3U);
  EXPECT_EQ(seed_, 99U);
}

TEST_F(TrainEvaluator, NeverTrainsOnValidationSamples) {
  evaluate({50, 70, 65});
  EXPECT_EQ(samples_.size() + validation_.size(), 60U);
  for (const std::size_t sample : validation_) {
    EXPECT_THAT(samples_, testing::Not(testing::Contains(sample)));
  }
}

TEST_F(TrainEvaluator, TrainsOnASubsetWithItsOptions) {
  evaluate({50}, {"evaluator.subset=12", "evaluator.epochs=7", "evaluator.batch_size=16",
                  "execution.threads=2"});
  EXPECT_EQ(samples_.size(), 12U);
  EXPECT_EQ(options_.epochs, 7);
  EXPECT_EQ(options_.batch_size, 16);
  EXPECT_EQ(options_.threads, 2);
}

TEST_F(TrainEvaluator, StopsACandidateThatIsNotBetterThanTheCommonestClass) {
  const auto evaluation = evaluate({100.0 / 3, 70, 65});
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->state, TrialState::kStopped);
  EXPECT_THAT(evaluation->reason, testing::HasSubstr("33.33 % after the first epoch"));
  EXPECT_EQ(evaluation->metrics.at(0).value, 100.0 / 3);
}

TEST_F(TrainEvaluator, KeepsAHopelessCandidateIfToldTo) {
  const auto evaluation = evaluate({10, 70, 65}, {"evaluator.stop_hopeless=false"});
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->state, TrialState::kComplete);
}

TEST_F(TrainEvaluator, TakesADivergedTrainingForAFailure) {
  const auto evaluation = evaluate({50}, {}, train::TrainOutcome::kDiverged);
  ASSERT_TRUE(evaluation);
  EXPECT_EQ(evaluation->state, TrialState::kFailed);
  EXPECT_EQ(evaluation->reason, "why");
  EXPECT_TRUE(evaluation->metrics.empty());
}

TEST_F(TrainEvaluator, GivesNothingWhenItWasStopped) {
  EXPECT_FALSE(evaluate({50}, {}, train::TrainOutcome::kCancelled));
}

}  // namespace
}  // namespace hwnas::engine
