#include "train/optimizer_torch.hpp"

#include <gtest/gtest.h>

#include "ir/initial_weights.hpp"
#include "tests/train/toy_problem.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;

/// Three steps on fixed gradients, by FlatOptimizer.
Tensor after_steps(const TrainOptions& options, const Tensor& gradient) {
  nn::NetworkModule module(toy::small_network(), torch::kCPU);
  module.load(ir::initial_weights(toy::small_network(), 1));
  FlatOptimizer optimizer(module, options);
  for (int step = 0; step < 3; ++step) {
    module.flat_gradients().copy_(gradient * (step + 1));
    optimizer.step(0.05);
    EXPECT_EQ(module.flat_gradients().abs().max().item<float>(), 0);
  }
  return module.flat_parameters();
}

/// The same by LibTorch's optimiser, with decaying and other parameters in two groups.
template <typename Optimizer, typename Options>
Tensor expected(const Options& decaying, const Options& plain, const Tensor& gradient) {
  nn::NetworkModule module(toy::small_network(), torch::kCPU);
  module.load(ir::initial_weights(toy::small_network(), 1));
  const Tensor mask = module.decay_mask() > 0;
  const Tensor start = module.flat_parameters().clone();
  const auto run = [&](const Options& options) {
    Tensor parameters = start.clone().requires_grad_(true);
    Optimizer optimizer({parameters}, options);
    for (int step = 0; step < 3; ++step) {
      parameters.mutable_grad() = gradient * (step + 1);
      optimizer.step();
    }
    return parameters.detach();
  };
  return torch::where(mask, run(decaying), run(plain));
}

Tensor some_gradient() {
  return torch::linspace(-1, 1, ir::parameters(toy::small_network()));
}

TEST(FlatOptimizer, SgdStepsAsLibTorchs) {
  const TrainOptions options{.optimizer = Optimizer::kSgd, .momentum = 0.9, .weight_decay = 0.01};
  const auto sgd = torch::optim::SGDOptions(0.05).momentum(0.9).nesterov(true);
  const Tensor reference = expected<torch::optim::SGD>(
      torch::optim::SGDOptions(sgd).weight_decay(0.01), sgd, some_gradient());
  EXPECT_TRUE(after_steps(options, some_gradient()).allclose(reference, 1e-5, 1e-6));
}

TEST(FlatOptimizer, AdamwStepsAsLibTorchs) {
  const TrainOptions options{.optimizer = Optimizer::kAdamW, .weight_decay = 0.1};
  const auto adamw = torch::optim::AdamWOptions(0.05).weight_decay(0);
  const Tensor reference = expected<torch::optim::AdamW>(
      torch::optim::AdamWOptions(adamw).weight_decay(0.1), adamw, some_gradient());
  EXPECT_TRUE(after_steps(options, some_gradient()).allclose(reference, 1e-5, 1e-6));
}

TEST(LearningRate, RisesLinearlyThenFallsAsHalfACosineToZero) {
  const TrainOptions options{.epochs = 3, .learning_rate = 0.4, .warmup_epochs = 1};
  const auto rate = [&](int step) { return learning_rate_at(options, step, 100); };
  EXPECT_DOUBLE_EQ(rate(0), 0.004);
  EXPECT_DOUBLE_EQ(rate(49), 0.2);
  EXPECT_DOUBLE_EQ(rate(99), 0.4);
  EXPECT_NEAR(rate(199), 0.2, 1e-12);
  EXPECT_NEAR(rate(299), 0, 1e-12);
}

TEST(LearningRate, WithoutWarmUpStartsAtThePeak) {
  const TrainOptions options{.epochs = 2, .learning_rate = 0.4, .warmup_epochs = 0};
  EXPECT_NEAR(learning_rate_at(options, 0, 100), 0.4, 1e-3);
}

}  // namespace
}  // namespace hwnas::train
