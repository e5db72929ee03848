#include "train/quantized_training.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "core/error.hpp"
#include "tests/train/min_max_scales.hpp"
#include "tests/train/toy_problem.hpp"
#include "train/batches_torch.hpp"
#include "train/quantized_module_torch.hpp"

namespace hwnas::train {
namespace {

using ir::WeightFormat;
using testing::HasSubstr;

ir::LayerScales writes(int tensor, std::vector<float> weight_scales = {}) {
  return {.format = WeightFormat::kInt8, .weight = std::move(weight_scales), .output = tensor};
}

/// The toy network trained in float, folded and calibrated.
class QuantizedTraining : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    problem_ = new toy::Problem;
    const ir::Network network = toy::small_network();
    const TrainResult result = train_network(network, problem_->data, toy::quick_options(), 3);
    folded_ = new ir::FoldedNetwork(ir::fold_batch_norm(network, result.weights));
  }
  static void TearDownTestSuite() {
    delete problem_;
    delete folded_;
  }

  static ir::NetworkScales scales(WeightFormat format, int activation_bits = 8) {
    BatchLoader loader(problem_->dataset, problem_->data.normalisation, torch::kCPU, 100);
    const auto images = loader.load(problem_->data.train.first(100)).images;
    const auto format_of = [format](const ir::Layer&) { return format; };
    return MinMaxScales(*folded_, images, format_of, activation_bits).scales();
  }
  static QuantizedTrainOptions options() {
    QuantizedTrainOptions result;
    result.training = toy::quick_options();
    result.training.epochs = 2;
    result.training.learning_rate = 0.01;
    return result;
  }
  static double top1(const ir::FoldedNetwork& network, const ir::NetworkScales& scales) {
    return evaluate_quantized(network, scales, problem_->dataset, problem_->data.validation,
                              problem_->data.normalisation)
        .top1;
  }
  static double float_top1() {
    return evaluate_network(folded_->network, folded_->weights, problem_->dataset,
                            problem_->data.validation, problem_->data.normalisation)
        .top1;
  }
  /// What is said against these scales or options.
  static std::string refusal(const ir::NetworkScales& scales,
                             const QuantizedTrainOptions& options) {
    try {
      train_quantized(*folded_, scales, problem_->data, options, 1);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  }

  static const toy::Problem* problem_;
  static const ir::FoldedNetwork* folded_;
};
const toy::Problem* QuantizedTraining::problem_ = nullptr;
const ir::FoldedNetwork* QuantizedTraining::folded_ = nullptr;

TEST_F(QuantizedTraining, EightBitsAreAsGoodAsFloatBeforeAnyTraining) {
  EXPECT_GE(top1(*folded_, scales(WeightFormat::kInt8)), float_top1() - 1);
}

TEST_F(QuantizedTraining, BringsBackWhatFewBitsCost) {
  for (const auto format : {WeightFormat::kInt2, WeightFormat::kTernary, WeightFormat::kBinary}) {
    const ir::NetworkScales start = scales(format);
    const auto result = train_quantized(*folded_, start, problem_->data, options(), 5);
    EXPECT_EQ(result.outcome, TrainOutcome::kComplete);
    EXPECT_GE(result.validation_top1(), top1(*folded_, start)) << ir::info(format).name;
    EXPECT_GE(result.validation_top1(), float_top1() - 5) << ir::info(format).name;
  }
}

TEST_F(QuantizedTraining, ReportedAccuracyIsThatOfTheReturnedWeightsAndScales) {
  for (const ir::WeightFormatInfo& info : ir::weight_formats()) {
    const auto result =
        train_quantized(*folded_, scales(info.format), problem_->data, options(), 5);
    const Evaluation again =
        evaluate_quantized({folded_->network, result.weights}, result.scales, problem_->dataset,
                           problem_->data.validation, problem_->data.normalisation);
    EXPECT_NEAR(again.loss, result.epochs.back().validation_loss, 1e-4) << info.name;
    EXPECT_DOUBLE_EQ(again.top1, result.validation_top1()) << info.name;
  }
}

TEST_F(QuantizedTraining, ReturnedWeightsLieOnTheGridOfTheReturnedScales) {
  for (const ir::WeightFormatInfo& info : ir::weight_formats()) {
    const auto result =
        train_quantized(*folded_, scales(info.format), problem_->data, options(), 5);
    for (std::size_t i = 0; i < folded_->network.layers.size(); ++i) {
      const std::vector<float>& steps = result.scales.layers[i].weight;
      if (steps.empty()) continue;
      const auto& values = result.weights.layers.at(folded_->network.layers[i].name).weight.values;
      for (std::size_t w = 0; w < values.size(); ++w) {
        const float q = values[w] / steps[w * steps.size() / values.size()];
        ASSERT_NEAR(q, std::round(q), 1e-4) << info.name;
        ASSERT_GE(std::round(q), info.lowest) << info.name;
        ASSERT_LE(std::round(q), info.highest) << info.name;
      }
    }
  }
}

TEST_F(QuantizedTraining, LearnsScalesButNotFixedOnesAndNoZeroPoints) {
  ir::NetworkScales start = scales(WeightFormat::kInt4);
  start.tensors.back().fixed = true;
  const auto result = train_quantized(*folded_, start, problem_->data, options(), 5);
  ASSERT_EQ(result.scales.tensors.size(), start.tensors.size());
  EXPECT_EQ(result.scales.tensors.back(), start.tensors.back());
  for (std::size_t i = 0; i + 1 < start.tensors.size(); ++i) {
    EXPECT_NE(result.scales.tensors[i].quantization.scale, start.tensors[i].quantization.scale);
    EXPECT_EQ(result.scales.tensors[i].quantization.zero_point,
              start.tensors[i].quantization.zero_point);
  }
  EXPECT_NE(result.scales.layers[0].weight, start.layers[0].weight);
}

TEST_F(QuantizedTraining, AScaleForAllChannelsStaysOne) {
  ir::NetworkScales start = scales(WeightFormat::kInt8);
  for (ir::LayerScales& layer : start.layers) {
    if (layer.weight.empty()) continue;
    layer.weight = {*std::max_element(layer.weight.begin(), layer.weight.end())};
  }
  const auto result = train_quantized(*folded_, start, problem_->data, options(), 5);
  EXPECT_EQ(result.scales.layers[0].weight.size(), 1U);
  EXPECT_GE(result.validation_top1(), float_top1() - 2);
}

TEST_F(QuantizedTraining, LearnsWithBothOptimizersAndSixteenBitActivations) {
  QuantizedTrainOptions adamw = options();
  adamw.training.optimizer = Optimizer::kAdamW;
  adamw.training.learning_rate = 1e-3;
  const auto result =
      train_quantized(*folded_, scales(WeightFormat::kInt4, 16), problem_->data, adamw, 5);
  EXPECT_GE(result.validation_top1(), float_top1() - 2);
}

TEST_F(QuantizedTraining, TheTeacherAloneCanTeach) {
  // Labels that say nothing: all that is learned comes from the float network.
  data::Dataset unlabelled = problem_->dataset;
  TrainData data = problem_->data;
  data.dataset = &unlabelled;
  for (const std::size_t i : data.train) unlabelled.labels[i] = 0;
  QuantizedTrainOptions teacher_only = options();
  teacher_only.training.epochs = 4;
  teacher_only.distillation_weight = 1;
  const auto taught =
      train_quantized(*folded_, scales(WeightFormat::kTernary), data, teacher_only, 5);
  EXPECT_GE(taught.validation_top1(), float_top1() - 5);
  teacher_only.distillation_weight = 0;
  const auto untaught =
      train_quantized(*folded_, scales(WeightFormat::kTernary), data, teacher_only, 5);
  EXPECT_LT(untaught.validation_top1(), 60);
}

TEST_F(QuantizedTraining, TheLossIsThatOfLabelsAndOfSoftenedProbabilities) {
  const ir::NetworkScales start = scales(WeightFormat::kTernary);
  QuantizedTrainOptions one_step = options();
  one_step.training.epochs = 1;
  one_step.training.batch_size = static_cast<int>(problem_->data.train.size());
  one_step.distillation_weight = 0.3;
  one_step.distillation_temperature = 2.5;
  const auto result = train_quantized(*folded_, start, problem_->data, one_step, 5);

  const torch::NoGradGuard no_grad;
  const auto samples = problem_->data.train;
  BatchLoader loader(problem_->dataset, problem_->data.normalisation, torch::kCPU, samples.size());
  const Batch batch = loader.load(samples);
  nn::NetworkModule teacher(folded_->network, torch::kCPU);
  teacher.load(folded_->weights);
  QuantizedModule student(*folded_, start, {}, torch::kCPU);
  const torch::Tensor logits = student.forward(batch.images);
  const auto softened = [](const torch::Tensor& z) { return torch::softmax(z / 2.5, 1); };
  const torch::Tensor p = softened(teacher.forward(batch.images));
  const double divergence = (p * (p / softened(logits)).log()).sum(1).mean().item<double>();
  const double labels_loss = torch::cross_entropy_loss(logits, batch.labels).item<double>();
  EXPECT_NEAR(result.epochs.at(0).train_loss, 0.7 * labels_loss + 0.3 * 2.5 * 2.5 * divergence,
              1e-4);
}

TEST_F(QuantizedTraining, TheSameSeedGivesTheSameResultBesideOtherTrainings) {
  const ir::NetworkScales start = scales(WeightFormat::kInt4);
  const auto train = [&](std::uint64_t seed) {
    return train_quantized(*folded_, start, problem_->data, options(), seed);
  };
  const QuantizedTrainResult alone = train(5);
  QuantizedTrainResult together;
  QuantizedTrainResult other;
  std::thread beside([&] { other = train(6); });
  together = train(5);
  beside.join();
  EXPECT_EQ(alone.weights, together.weights);
  EXPECT_EQ(alone.scales, together.scales);
  EXPECT_NE(alone.weights, other.weights);
}

TEST_F(QuantizedTraining, ASoftmaxAtTheEndIsLeftOutOfTheLoss) {
  ir::FoldedNetwork network = *folded_;
  ir::NetworkScales start = scales(WeightFormat::kInt4);
  const auto plain = train_quantized(network, start, problem_->data, options(), 5);
  const int last = static_cast<int>(network.network.layers.size()) - 1;
  network.network.layers.push_back({"softmax", ir::Softmax{}, {last}, {}});
  start.tensors.push_back({{.scale = 1.0F / 256, .zero_point = -128}, true});
  start.layers.push_back(writes(static_cast<int>(start.tensors.size()) - 1));
  const auto result = train_quantized(network, start, problem_->data, options(), 5);
  EXPECT_EQ(result.weights, plain.weights);
  ASSERT_EQ(result.scales.layers.size(), start.layers.size());
  EXPECT_EQ(result.scales.layers.back(), start.layers.back());
}

TEST_F(QuantizedTraining, EndsAsToldByTheLossTheCallbackAndTheStop) {
  const ir::NetworkScales start = scales(WeightFormat::kInt8);
  QuantizedTrainOptions wild = options();
  wild.training.learning_rate = 1e6;
  wild.training.warmup_epochs = 0;
  wild.training.weight_decay = 10;
  EXPECT_EQ(train_quantized(*folded_, start, problem_->data, wild, 1).outcome,
            TrainOutcome::kDiverged);
  const auto give_up = [](const EpochResult&) { return false; };
  EXPECT_EQ(train_quantized(*folded_, start, problem_->data, options(), 1, give_up).outcome,
            TrainOutcome::kHopeless);
  std::stop_source stop;
  stop.request_stop();
  const auto cancelled =
      train_quantized(*folded_, start, problem_->data, options(), 1, {}, stop.get_token());
  EXPECT_EQ(cancelled.outcome, TrainOutcome::kCancelled);
  EXPECT_EQ(cancelled.epochs.size(), 1U);
}

TEST_F(QuantizedTraining, RefusesScalesThatDoNotFitAndNamesTheLayer) {
  const ir::NetworkScales start = scales(WeightFormat::kInt8);
  ir::NetworkScales changed = start;
  changed.layers.pop_back();
  EXPECT_THAT(refusal(changed, options()), HasSubstr("layers"));
  changed = start;
  changed.layers[0].weight.pop_back();
  EXPECT_THAT(refusal(changed, options()), HasSubstr(folded_->network.layers[0].name));
  changed = start;
  changed.layers[0].weight[0] = 0;
  EXPECT_THAT(refusal(changed, options()), HasSubstr("not a positive number"));
  changed = start;
  changed.layers[1].output = 99;
  EXPECT_THAT(refusal(changed, options()), HasSubstr("tensor 99"));
  changed = start;
  changed.tensors[0].quantization.scale = std::nanf("");
  EXPECT_THAT(refusal(changed, options()), HasSubstr("tensor 0"));
  QuantizedTrainOptions too_much = options();
  too_much.distillation_weight = 1.5;
  EXPECT_THAT(refusal(start, too_much), HasSubstr("distillation weight 1.5"));
}

class QuantizedZoo : public testing::TestWithParam<ir::zoo::ZooNetwork> {};

TEST_P(QuantizedZoo, FineGridsAreNearlyTheFloatNetwork) {
  const torch::NoGradGuard no_grad;
  const ir::FoldedNetwork network =
      ir::fold_batch_norm(GetParam().network, ir::zoo::random_weights(GetParam().network, 3));
  std::vector<float> input = ir::zoo::random_input(network.network, 1);
  const std::vector<float> expected = ir::run_reference(network.network, network.weights, input);
  const ir::Shape& shape = network.network.input;
  const auto images =
      torch::from_blob(input.data(), {1, shape.channels, shape.height, shape.width});
  const auto int8 = [](const ir::Layer&) { return WeightFormat::kInt8; };
  QuantizedModule module(network, MinMaxScales(network, images, int8, 16).scales(), {},
                         torch::kCPU);
  const torch::Tensor y = module.forward(images).flatten();
  const double largest =
      std::abs(*std::ranges::max_element(expected, {}, [](float v) { return std::abs(v); }));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(y[static_cast<std::int64_t>(i)].item<double>(), expected[i], 0.03 * largest);
  }
}

INSTANTIATE_TEST_SUITE_P(All, QuantizedZoo, testing::ValuesIn(ir::zoo::networks()),
                         [](const auto& named) { return named.param.name; });

TEST(StepSizes, MoveByTheLearningRateTimesTheirGradientUnderSgd) {
  const ir::NetworkScales start{
      .tensors = {{{.scale = 0.5F}, false}, {{.scale = 2}, true}, {{.scale = 8}, false}},
      .input = 0,
      .layers = {writes(0, {0.25F, 4})}};
  StepSizes steps(start, {.optimizer = Optimizer::kSgd, .momentum = 0}, torch::kCPU);
  (3 * steps.of_tensor(0) + 5 * steps.of_tensor(2) + steps.of_weights(0).sum()).sum().backward();
  steps.step(0.1);
  ir::NetworkScales moved = start;
  steps.save(moved);
  EXPECT_FLOAT_EQ(moved.tensors[0].quantization.scale, 0.2F);
  EXPECT_FLOAT_EQ(moved.tensors[1].quantization.scale, 2);
  EXPECT_FLOAT_EQ(moved.tensors[2].quantization.scale, 7.5F);
  EXPECT_FLOAT_EQ(moved.layers[0].weight[0], 0.15F);
  EXPECT_FLOAT_EQ(moved.layers[0].weight[1], 3.9F);
}

TEST(StepSizes, StayAboveAHundredthOfTheirStart) {
  const ir::NetworkScales start{.tensors = {{{.scale = 0.5F}, false}}, .input = 0, .layers = {}};
  StepSizes steps(start, {}, torch::kCPU);
  steps.of_tensor(0).sum().backward();
  steps.step(1e6);
  EXPECT_FLOAT_EQ(steps.of_tensor(0).item<float>(), 0.005F);
}

TEST(QuantizedModule, EveryOutputLiesOnTheGridOfItsTensor) {
  // Average pooling and a sum leave the grid of their inputs, and must be brought back.
  ir::zoo::Builder builder({1, 4, 4});
  const int left = builder.add(ir::zoo::conv(2, ir::zoo::square(3), 1, true), {ir::kNetworkInput});
  const int pooled = builder.add(ir::Pool{ir::PoolKind::kAverage, ir::zoo::square(3)}, {left});
  builder.add(ir::Add{}, {left, pooled});
  builder.add(ir::GlobalAveragePool{});
  const ir::Network network = builder.take();
  const ir::FoldedNetwork folded{network, ir::zoo::random_weights(network, 3)};
  const ir::TensorScale coarse{{.scale = 0.125F, .zero_point = 0}, false};
  const ir::TensorScale finer{{.scale = 0.0625F, .zero_point = 0}, false};
  ir::NetworkScales scales{.tensors = {coarse, finer}, .input = 0, .layers = {}};
  scales.layers = {writes(0, {0.01F}), writes(0), writes(1), writes(1)};
  const torch::Tensor images = torch::linspace(-1, 1, 16).view({1, 1, 4, 4});
  for (std::size_t length = 1; length <= 4; ++length) {
    ir::FoldedNetwork front = folded;
    front.network.layers.resize(length);
    ir::NetworkScales front_scales = scales;
    front_scales.layers.resize(length);
    QuantizedModule module(front, front_scales, {}, torch::kCPU);
    const torch::Tensor q = module.forward(images) / (length <= 2 ? 0.125 : 0.0625);
    EXPECT_TRUE(q.equal(q.round())) << length << " layers: " << q;
    EXPECT_GT(q.abs().max().item<float>(), 0) << length;
  }
}

}  // namespace
}  // namespace hwnas::train
