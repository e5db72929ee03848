#include "train/fake_quantize_torch.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <tuple>

namespace hwnas::train {
namespace {

using ir::ActivationKind;
using ir::WeightFormat;
using torch::Tensor;

// Double tensors take the path of LibTorch's operators, as a GPU does; floats the fused one.

Tensor normal(const std::vector<std::int64_t>& shape, double deviation, int seed = 11) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  return torch::empty(shape).normal_(0, deviation, generator);
}

struct Outcome {
  Tensor y, dx, d_step;
};
template <typename Function>
Outcome run(const Function& function, const Tensor& x, const Tensor& step, torch::Dtype type) {
  const Tensor x_leaf = x.to(type).clone().requires_grad_(true);
  const Tensor step_leaf = step.to(type).clone().requires_grad_(true);
  const Tensor y = function(x_leaf, step_leaf);
  y.backward(normal(x.sizes().vec(), 1, 12).to(type));
  return {y.detach(), x_leaf.grad(), step_leaf.grad()};
}

void expect_near(const Tensor& a, const Tensor& b, const char* what) {
  ASSERT_TRUE(a.defined() && b.defined()) << what;
  EXPECT_EQ(a.sizes(), b.sizes()) << what;
  EXPECT_LT((a.to(torch::kDouble) - b).abs().max().item<double>(),
            1e-5 * std::max(1.0, b.abs().max().item<double>()))
      << what;
}

void expect_same(const Outcome& fused, const Outcome& composed) {
  expect_near(fused.y, composed.y, "y");
  expect_near(fused.dx, composed.dx, "dx");
  ASSERT_EQ(fused.d_step.defined(), composed.d_step.defined());  // binary weights have no step
  if (fused.d_step.defined()) expect_near(fused.d_step, composed.d_step, "dstep");
}

using ActivationCase =
    std::tuple<std::optional<ActivationKind>, ir::Quantization, std::vector<std::int64_t>>;
class FakeQuantizedActivation : public testing::TestWithParam<ActivationCase> {};

TEST_P(FakeQuantizedActivation, IsTheSameFusedAndOfLibTorchsOperators) {
  const auto& [clamp, quantization, shape] = GetParam();
  const auto function = [&](const Tensor& x, const Tensor& step) {
    return fake_quantize_activation(x, step, quantization, clamp);
  };
  const Tensor x = normal(shape, 4);
  const Tensor step = torch::full({1}, quantization.scale);
  expect_same(run(function, x, step, torch::kFloat), run(function, x, step, torch::kDouble));
}

INSTANTIATE_TEST_SUITE_P(
    All, FakeQuantizedActivation,
    testing::Combine(testing::Values(std::nullopt, ActivationKind::kRelu, ActivationKind::kRelu6),
                     testing::Values(ir::Quantization{0.03F, -128, 8},
                                     ir::Quantization{0.05F, 3, 8}, ir::Quantization{0.07F, 127, 8},
                                     ir::Quantization{0.0001F, 0, 16}),
                     testing::Values(std::vector<std::int64_t>{4, 7, 5, 3},
                                     std::vector<std::int64_t>{2, 16, 1, 1},
                                     std::vector<std::int64_t>{6, 10})));

using WeightCase = std::tuple<WeightFormat, bool, std::vector<std::int64_t>>;
class FakeQuantizedWeight : public testing::TestWithParam<WeightCase> {};

TEST_P(FakeQuantizedWeight, IsTheSameFusedAndOfLibTorchsOperators) {
  const auto& [format, per_channel, shape] = GetParam();
  const auto function = [&, f = format](const Tensor& w, const Tensor& steps) {
    return fake_quantize_weight(w, steps, f);
  };
  const Tensor weight = normal(shape, 1).contiguous(
      shape.size() == 4 ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous);
  const Tensor steps = per_channel ? torch::linspace(0.05, 0.9, shape[0]) : torch::full({1}, 0.2F);
  expect_same(run(function, weight, steps, torch::kFloat),
              run(function, weight, steps, torch::kDouble));
}

TEST_P(FakeQuantizedWeight, TakesOnlyTheValuesOfItsFormat) {
  const auto& [format, per_channel, shape] = GetParam();
  const Tensor weight = normal(shape, 1);
  Tensor steps = torch::full({per_channel ? shape[0] : 1}, 0.25F);
  const Tensor y = fake_quantize_weight(weight, steps, format);
  if (format == WeightFormat::kBinary) steps = binary_scales(weight, per_channel);
  std::vector<std::int64_t> over_channels(shape.size(), 1);
  over_channels[0] = steps.numel();
  const Tensor q = y / steps.view(over_channels);
  EXPECT_LT((q - q.round()).abs().max().item<float>(), 1e-5);
  EXPECT_GE(q.round().min().item<int>(), ir::info(format).lowest);
  EXPECT_LE(q.round().max().item<int>(), ir::info(format).highest);
  EXPECT_EQ(q.abs().min().item<float>() > 0.9, format == WeightFormat::kBinary);
}

INSTANTIATE_TEST_SUITE_P(
    All, FakeQuantizedWeight,
    testing::Combine(testing::Values(WeightFormat::kInt8, WeightFormat::kInt4, WeightFormat::kInt2,
                                     WeightFormat::kTernary, WeightFormat::kBinary),
                     testing::Bool(),
                     testing::Values(std::vector<std::int64_t>{6, 5, 3, 3},
                                     std::vector<std::int64_t>{8, 1, 5, 5},
                                     std::vector<std::int64_t>{4, 12})));

/// Gradients of Σy with respect to values and step.
Outcome of_values(const std::vector<float>& values, float step, WeightFormat format) {
  const Tensor x = torch::tensor(values).view({1, -1}).requires_grad_(true);
  const Tensor s = torch::full({1}, step).requires_grad_(true);
  const Tensor y = fake_quantize_weight(x, s, format);
  y.sum().backward();
  return {y.detach().flatten(), x.grad().flatten(), s.grad()};
}

TEST(LearnedStepSize, HasTheGradientsOfEquations3And5) {
  // v = x/s: −9 below int4's −7, 2.6 and −0.25 inside, 30 above 7; N = 4, Q = 7.
  const Outcome outcome = of_values({-4.5F, 1.3F, -0.125F, 15}, 0.5F, WeightFormat::kInt4);
  EXPECT_TRUE(outcome.y.equal(torch::tensor({-3.5F, 1.5F, 0.0F, 3.5F})));
  EXPECT_TRUE(outcome.dx.equal(torch::tensor({0.0F, 1.0F, 1.0F, 0.0F})));
  EXPECT_NEAR(outcome.d_step.item<double>(), (-7 + 0.4 + 0.25 + 7) / std::sqrt(4.0 * 7), 1e-6);
}

TEST(LearnedStepSize, HalvesAreRoundedToEven) {
  const Outcome outcome = of_values({0.5F, 1.5F, 2.5F, -0.5F}, 1, WeightFormat::kInt8);
  EXPECT_TRUE(outcome.y.equal(torch::tensor({0.0F, 2.0F, 2.0F, 0.0F})));
}

TEST(FakeQuantizedRelu6, EndsAtTheGridPointNearestToSix) {
  const Tensor x = torch::tensor({-1.0F, 5.9F, 6.0F, 100.0F}).view({1, 4});
  const Tensor y = fake_quantize_activation(
      x, torch::full({1}, 0.7F), {.scale = 0.7F, .zero_point = -128}, ActivationKind::kRelu6);
  EXPECT_TRUE(y.flatten().allclose(torch::tensor({0.0F, 5.6F, 6.3F, 6.3F})));
}

TEST(BinaryWeights, AreTheSignTimesTheMeanMagnitude) {
  const Tensor w = torch::tensor({0.0F, -1.0F, 2.0F, 9.0F}).view({2, 2});
  const Tensor steps = torch::ones({2});
  const Tensor y = fake_quantize_weight(w, steps, WeightFormat::kBinary);
  EXPECT_TRUE(y.equal(torch::tensor({0.5F, -0.5F, 5.5F, 5.5F}).view({2, 2})));
  const Tensor whole = fake_quantize_weight(w, torch::ones({1}), WeightFormat::kBinary);
  EXPECT_TRUE(whole.equal(torch::tensor({3.0F, -3.0F, 3.0F, 3.0F}).view({2, 2})));
}

TEST(BinaryWeights, PassTheGradientWhereTheyAreNotClipped) {
  // α = 2; the last weight lies beyond 2α. y = α·q: ∂Σy/∂w = Σq·sign(w)/n, and 1 where not clipped.
  const Tensor w = torch::tensor({1.0F, -1.0F, 1.0F, 1.0F, 6.0F}).view({1, 5}).requires_grad_(true);
  fake_quantize_weight(w, torch::ones({1}), WeightFormat::kBinary).sum().backward();
  const Tensor expected = torch::tensor({1.6F, 0.4F, 1.6F, 1.6F, 0.6F});
  EXPECT_TRUE(w.grad().flatten().allclose(expected)) << w.grad();
}

}  // namespace
}  // namespace hwnas::train
