#include "nn/batch_norm_act_torch.hpp"

#include <gtest/gtest.h>

#include <tuple>

namespace hwnas::nn {
namespace {

using torch::Tensor;

// The fused function against LibTorch's own operators in double precision.

struct Inputs {
  Tensor x, weight, bias, residual, mean, var, dy;
};

Inputs draw_inputs(std::vector<std::int64_t> shape, bool with_residual) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(11);
  const auto normal = [&](std::vector<std::int64_t> size) {
    return torch::empty(size).normal_(0.5, 2, generator);
  };
  const auto channels = shape[1];
  return {normal(shape),      normal({channels}),
          normal({channels}), with_residual ? normal(shape) : Tensor(),
          normal({channels}), normal({channels}).abs() + 0.1,
          normal(shape)};
}

Tensor reference(Inputs& in, FusedActivation activation, bool training) {
  Tensor y =
      torch::batch_norm(in.x, in.weight, in.bias, in.mean, in.var, training, 0.1, 1e-5, false);
  if (in.residual.defined()) y = y + in.residual;
  if (activation == FusedActivation::kRelu) return torch::relu(y);
  if (activation == FusedActivation::kRelu6) return torch::hardtanh(y, 0, 6);
  if (activation == FusedActivation::kHardSwish) return torch::hardswish(y);
  return y;
}

Inputs as_leaves(const Inputs& in, torch::Dtype type) {
  const auto leaf = [&](const Tensor& t, bool gradient) {
    return t.defined() ? t.to(type).clone().set_requires_grad(gradient) : Tensor();
  };
  return {leaf(in.x, true),     leaf(in.weight, true), leaf(in.bias, true), leaf(in.residual, true),
          leaf(in.mean, false), leaf(in.var, false),   leaf(in.dy, false)};
}

void expect_near(const Tensor& a, const Tensor& b, const char* what) {
  ASSERT_EQ(a.defined(), b.defined()) << what;
  if (!a.defined()) return;
  const double scale = std::max(1.0, b.abs().max().item<double>());
  EXPECT_LT((a.to(torch::kDouble) - b).abs().max().item<double>(), 2e-5 * scale) << what;
}

using Parameters = std::tuple<FusedActivation, bool, std::vector<std::int64_t>>;
class BatchNormActTest : public testing::TestWithParam<Parameters> {};

TEST_P(BatchNormActTest, TrainsAsLibTorchsOperatorsDo) {
  const auto& [activation, with_residual, shape] = GetParam();
  const Inputs drawn = draw_inputs(shape, with_residual);
  Inputs expected = as_leaves(drawn, torch::kDouble);
  Inputs actual = as_leaves(drawn, torch::kFloat);

  const Tensor y_expected = reference(expected, activation, true);
  y_expected.backward(expected.dy);
  BatchNormState state{actual.weight, actual.bias, actual.mean, actual.var};
  const Tensor y = batch_norm_act(actual.x, state, activation, actual.residual, true);
  y.backward(actual.dy);

  expect_near(y, y_expected, "y");
  expect_near(actual.x.grad(), expected.x.grad(), "dx");
  expect_near(actual.weight.grad(), expected.weight.grad(), "dweight");
  expect_near(actual.bias.grad(), expected.bias.grad(), "dbias");
  if (with_residual) expect_near(actual.residual.grad(), expected.residual.grad(), "dresidual");
  expect_near(actual.mean, expected.mean, "running mean");
  expect_near(actual.var, expected.var, "running variance");
}

TEST_P(BatchNormActTest, InfersAsLibTorchsOperatorsDo) {
  const auto& [activation, with_residual, shape] = GetParam();
  const torch::NoGradGuard no_grad;
  const Inputs drawn = draw_inputs(shape, with_residual);
  Inputs expected = as_leaves(drawn, torch::kDouble);
  BatchNormState state{drawn.weight, drawn.bias, drawn.mean, drawn.var};
  expect_near(batch_norm_act(drawn.x, state, activation, drawn.residual, false),
              reference(expected, activation, false), "y");
}

TEST_P(BatchNormActTest, DoesNotDependOnTheNumberOfThreads) {
  const auto& [activation, with_residual, shape] = GetParam();
  const Inputs drawn = draw_inputs(shape, with_residual);
  Tensor outputs[2];
  for (const int threads : {1, 2}) {
    at::set_num_threads(threads);
    Inputs in = as_leaves(drawn, torch::kFloat);
    BatchNormState state{in.weight, in.bias, in.mean, in.var};
    batch_norm_act(in.x, state, activation, in.residual, true).backward(in.dy);
    outputs[threads - 1] = torch::cat({in.x.grad().flatten(), in.weight.grad(), in.bias.grad()});
  }
  at::set_num_threads(1);
  EXPECT_TRUE(outputs[0].equal(outputs[1]));
}

INSTANTIATE_TEST_SUITE_P(
    All, BatchNormActTest,
    testing::Combine(testing::Values(FusedActivation::kNone, FusedActivation::kRelu,
                                     FusedActivation::kRelu6, FusedActivation::kHardSwish),
                     testing::Bool(),
                     testing::Values(std::vector<std::int64_t>{4, 24, 7, 5},
                                     std::vector<std::int64_t>{3, 1, 9, 9},
                                     std::vector<std::int64_t>{16, 10})));

TEST(BatchNormAct, KeepsItsPrecisionFarFromZero) {
  const Tensor x = torch::arange(512, torch::kFloat).reshape({8, 1, 8, 8}) / 512 + 1000;
  Tensor weight = torch::ones({1}), bias = torch::zeros({1});
  Tensor mean = torch::zeros({1}), var = torch::ones({1});
  BatchNormState state{weight, bias, mean, var};
  const Tensor y = batch_norm_act(x, state, FusedActivation::kNone, {}, true);
  EXPECT_NEAR(y.std(/*unbiased=*/false).item<double>(), 1, 1e-3);
  EXPECT_NEAR(y.mean().item<double>(), 0, 1e-3);
}

}  // namespace
}  // namespace hwnas::nn
