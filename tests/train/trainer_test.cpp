#include "train/trainer.hpp"

#include <gtest/gtest.h>

#include <thread>

#include <torch/torch.h>
#include "core/error.hpp"
#include "nn/kernels.hpp"
#include "tests/train/toy_problem.hpp"

namespace hwnas::train {
namespace {

TEST(Trainer, LearnsASeparableProblem) {
  const toy::Problem problem;
  for (const auto optimizer : {Optimizer::kSgd, Optimizer::kAdamW}) {
    TrainOptions options = toy::quick_options();
    options.optimizer = optimizer;
    if (optimizer == Optimizer::kAdamW) options.learning_rate = 0.01;
    const TrainResult result = train_network(toy::small_network(), problem.data, options, 3);
    EXPECT_EQ(result.outcome, TrainOutcome::kComplete);
    ASSERT_EQ(result.epochs.size(), 4U);
    EXPECT_GT(result.validation_top1(), 95);
    EXPECT_LT(result.epochs.back().train_loss, result.epochs.front().train_loss);
  }
}

TEST(Trainer, LearnsThroughAugmentationAndLabelSmoothing) {
  const toy::Problem problem;
  TrainOptions options = toy::quick_options();
  options.augmentation = {.crop_padding = 1, .flip = false, .erase_size = 2};
  options.label_smoothing = 0.1;
  EXPECT_GT(train_network(toy::small_network(), problem.data, options, 3).validation_top1(), 90);
}

TEST(Trainer, LearnsInBfloat16WhereTheProcessorComputesWithIt) {
  const toy::Problem problem;
  TrainOptions options = toy::quick_options();
  const TrainResult exact = train_network(toy::small_network(), problem.data, options, 3);
  options.precision = TrainPrecision::kBfloat16;
  const TrainResult rounded = train_network(toy::small_network(), problem.data, options, 3);
  EXPECT_GT(rounded.validation_top1(), 95);
  EXPECT_EQ(rounded.weights != exact.weights, nn::computes_bfloats());
}

TEST(Trainer, TheSameSeedGivesTheSameWeightsAndAnotherSeedOthers) {
  const toy::Problem problem;
  const auto weights = [&](std::uint64_t seed) {
    return train_network(toy::small_network(), problem.data, toy::quick_options(), seed).weights;
  };
  EXPECT_EQ(weights(5), weights(5));
  EXPECT_NE(weights(5), weights(6));
}

TEST(Trainer, ConcurrentTrainingsDoNotDisturbEachOther) {
  const toy::Problem problem;
  const auto train = [&](std::uint64_t seed) {
    return train_network(toy::small_network(), problem.data, toy::quick_options(), seed).weights;
  };
  const ir::Weights alone = train(8);
  ir::Weights together;
  std::thread other([&] { train(9); });
  together = train(8);
  other.join();
  EXPECT_EQ(alone, together);
}

TEST(Trainer, LearnsFromATeacherAlone) {
  const toy::Problem problem;
  const Teacher teacher{
      toy::small_network(),
      train_network(toy::small_network(), problem.data, toy::quick_options(), 3).weights};
  data::Dataset mislabelled = problem.dataset;
  std::ranges::fill(mislabelled.labels, 0);
  TrainData data = problem.data;
  data.dataset = &mislabelled;
  const TrainResult result = train_network(toy::small_network(), data, toy::quick_options(), 5,
                                           {.teacher = &teacher, .distillation_weight = 1});
  const Evaluation truth = evaluate_network(toy::small_network(), result.weights, problem.dataset,
                                            problem.data.validation, problem.data.normalisation);
  EXPECT_GT(truth.top1, 95);
}

TEST(Trainer, ReportedAccuracyIsThatOfTheReturnedWeights) {
  const toy::Problem problem;
  const TrainResult result =
      train_network(toy::small_network(), problem.data, toy::quick_options(), 3);
  const Evaluation evaluation =
      evaluate_network(toy::small_network(), result.weights, problem.dataset,
                       problem.data.validation, problem.data.normalisation);
  EXPECT_DOUBLE_EQ(evaluation.top1, result.validation_top1());
  EXPECT_NEAR(evaluation.loss, result.epochs.back().validation_loss, 1e-6);
  ASSERT_EQ(evaluation.predictions.size(), problem.data.validation.size());
}

TEST(Trainer, GoesOnFromGivenWeights) {
  const toy::Problem problem;
  const TrainResult first =
      train_network(toy::small_network(), problem.data, toy::quick_options(), 3);
  TrainOptions one_epoch = toy::quick_options();
  one_epoch.epochs = 1;
  one_epoch.learning_rate = 1e-4;
  const TrainResult more =
      train_network(toy::small_network(), problem.data, one_epoch, 4, {.weights = first.weights});
  EXPECT_GE(more.validation_top1(), first.validation_top1() - 2);
}

TEST(Trainer, ALossThatIsNotFiniteEndsAsDiverged) {
  const toy::Problem problem;
  TrainOptions options = toy::quick_options();
  options.learning_rate = 1e3;
  options.warmup_epochs = 0;
  options.weight_decay = 10;
  const TrainResult result = train_network(toy::small_network(), problem.data, options, 3);
  EXPECT_EQ(result.outcome, TrainOutcome::kDiverged);
  EXPECT_FALSE(result.reason.empty());
}

TEST(Trainer, TheCallbackCanGiveUp) {
  const toy::Problem problem;
  const TrainResult result =
      train_network(toy::small_network(), problem.data, toy::quick_options(), 3, {},
                    [](const EpochResult& epoch) { return epoch.epoch < 2; });
  EXPECT_EQ(result.outcome, TrainOutcome::kHopeless);
  EXPECT_EQ(result.epochs.size(), 2U);
}

TEST(Trainer, AStopEndsAfterTheRunningEpoch) {
  const toy::Problem problem;
  std::stop_source stop;
  const TrainResult result = train_network(
      toy::small_network(), problem.data, toy::quick_options(), 3, {},
      [&](const EpochResult&) { return stop.request_stop(), true; }, stop.get_token());
  EXPECT_EQ(result.outcome, TrainOutcome::kCancelled);
  EXPECT_EQ(result.epochs.size(), 1U);
  EXPECT_NO_THROW(ir::verify(toy::small_network(), result.weights));
}

TEST(Trainer, RefusesDataOfAnotherShape) {
  const toy::Problem problem;
  ir::Network network = toy::small_network();
  network.input = {3, 8, 8};
  try {
    train_network(network, problem.data, toy::quick_options(), 3);
    FAIL() << "trained";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(error.what()).find("3x8x8"), std::string::npos) << error.what();
  }
}

TEST(Trainer, ANamedDeviceThatIsNotThereIsAClearError) {
  if (torch::cuda::is_available()) {
    const toy::Problem problem;
    TrainOptions options = toy::quick_options();
    options.device = "cuda";
    EXPECT_GT(train_network(toy::small_network(), problem.data, options, 3).validation_top1(), 95);
    return;
  }
  const toy::Problem problem;
  TrainOptions options = toy::quick_options();
  options.device = "cuda";
  EXPECT_THROW(train_network(toy::small_network(), problem.data, options, 3), Error);
}

TEST(WorkerThreads, MoreThreadsThanCoresAreRefused) {
  EXPECT_THROW(set_worker_threads(1000, 1000), Error);
  EXPECT_NO_THROW(set_worker_threads(1, 1));
}

}  // namespace
}  // namespace hwnas::train
