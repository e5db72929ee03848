#include "nn/depthwise_conv_torch.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <vector>

#include "core/rng.hpp"
#include "nn/kernels.hpp"
#include "nn/operators_torch.hpp"

namespace hwnas::nn {
namespace {

using torch::Tensor;

struct Case {
  int channels;
  int size;
  int kernel;
  int stride;
  ir::Padding padding;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const int channels : {3, 8, 16, 24, 40, 72}) {
    for (const int size : {1, 5, 7, 14, 16}) {
      for (const int kernel : {3, 5, 7}) {
        const int half = kernel / 2;
        cases.push_back({channels, size, kernel, 1, {half, half, half, half}});
        cases.push_back({channels, size, kernel, 2, {half - 1, half - 1, half, half}});
        cases.push_back({channels, size, kernel, 2, {half, half, half, half}});
      }
    }
  }
  cases.push_back({16, 9, 3, 1, {0, 0, 0, 0}});
  cases.push_back({16, 9, 3, 2, {0, 0, 0, 0}});
  cases.push_back({16, 9, 5, 1, {4, 3, 0, 1}});
  return cases;
}

ir::Conv2d conv_of(const Case& c) {
  return {.out_channels = c.channels,
          .window = {c.kernel, c.kernel, c.stride, c.stride, c.padding},
          .groups = c.channels};
}

struct Outcome {
  Tensor y;
  Tensor x_gradient;
  Tensor weight_gradient;
};

template <typename Convolve>
Outcome run(const Tensor& x, const Tensor& weight, const Tensor& dy, const Convolve& convolve) {
  const Tensor in = x.detach().clone().requires_grad_(true);
  const Tensor filters = weight.detach().clone().requires_grad_(true);
  const Tensor y = convolve(in, filters);
  y.backward(dy);
  return {y.detach(), in.grad(), filters.grad()};
}

TEST(DepthwiseConvTest, ItComputesWhatLibTorchDoesWithTheSameGradients) {
  torch::manual_seed(1);
  for (const Case& c : all_cases()) {
    const ir::Conv2d conv = conv_of(c);
    const Tensor x = as_rows(torch::randn({5, c.channels, c.size, c.size}));
    const Tensor weight = torch::randn({c.channels, 1, c.kernel, c.kernel});
    if (c.size + c.padding.top + c.padding.bottom < c.kernel) continue;
    const auto theirs = [&](const Tensor& in, const Tensor& filters) {
      return torch::conv2d(run_pad(c.padding, in), filters, {}, {c.stride, c.stride},
                           std::vector<std::int64_t>{0, 0}, 1, c.channels);
    };
    ASSERT_TRUE(runs_depthwise(conv, x));
    const Tensor dy = torch::randn_like(theirs(x, weight));
    const Outcome expected = run(x, weight, dy, theirs);
    const Outcome outcome = run(x, weight, dy, [&](const Tensor& in, const Tensor& filters) {
      return depthwise_conv(conv, in, filters);
    });
    const std::string what = fmt::format("{} channels, {} pixels, kernel {}, stride {}", c.channels,
                                         c.size, c.kernel, c.stride);
    EXPECT_TRUE(torch::allclose(outcome.y, expected.y, 1e-4, 1e-4)) << what;
    EXPECT_TRUE(torch::allclose(outcome.x_gradient, expected.x_gradient, 1e-4, 1e-4)) << what;
    EXPECT_TRUE(torch::allclose(outcome.weight_gradient, expected.weight_gradient, 1e-4, 1e-3))
        << what;
  }
}

TEST(DepthwiseConvTest, NoGradientOfTheInputIsComputedWhereNoneIsWanted) {
  const Case c{8, 6, 3, 1, {1, 1, 1, 1}};
  const Tensor x = torch::randn({2, 8, 6, 6});
  const Tensor weight = torch::randn({8, 1, 3, 3}).requires_grad_(true);
  depthwise_conv(conv_of(c), x, weight).sum().backward();
  const Tensor expected = torch::randn({8, 1, 3, 3}).copy_(weight.detach()).requires_grad_(true);
  torch::conv2d(x, expected, {}, 1, std::vector<std::int64_t>{1, 1}, 1, 8).sum().backward();
  EXPECT_TRUE(torch::allclose(weight.grad(), expected.grad(), 1e-4, 1e-4));
}

TEST(DepthwiseConvTest, BfloatsAreComputedAsFloatsAndRounded) {
  for (const int channels : {8, 24, 40}) {
    const Case c{channels, 9, 5, 1, {2, 2, 2, 2}};
    const Tensor x = as_rows(torch::randn({3, channels, 9, 9}).to(torch::kBFloat16));
    const Tensor dy = torch::randn_like(x);
    const Tensor weight = torch::randn({channels, 1, 5, 5});
    const auto ours = [&](const Tensor& in, const Tensor& filters) {
      return depthwise_conv(conv_of(c), in, filters);
    };
    const Outcome exact = run(x.to(torch::kFloat), weight, dy.to(torch::kFloat), ours);
    const Outcome rounded = run(x, weight, dy, ours);
    EXPECT_TRUE(torch::equal(rounded.y, exact.y.to(torch::kBFloat16)));
    EXPECT_TRUE(torch::equal(rounded.x_gradient, exact.x_gradient.to(torch::kBFloat16)));
    EXPECT_TRUE(torch::equal(rounded.weight_gradient, exact.weight_gradient));
  }
}

TEST(DepthwiseConvTest, OtherConvolutionsAreLeftToLibTorch) {
  const Tensor x = torch::randn({1, 8, 9, 9});
  const auto runs = [&](const auto& change) {
    ir::Conv2d conv = conv_of({8, 9, 3, 1, {1, 1, 1, 1}});
    change(conv);
    return runs_depthwise(conv, x);
  };
  EXPECT_TRUE(runs([](ir::Conv2d&) {}));
  EXPECT_FALSE(runs([](ir::Conv2d& conv) { conv.groups = 4; }));
  EXPECT_FALSE(runs([](ir::Conv2d& conv) { conv.out_channels = 16; }));
  EXPECT_FALSE(runs([](ir::Conv2d& conv) { conv.dilation_width = 2; }));
  EXPECT_FALSE(runs([](ir::Conv2d& conv) { conv.window.kernel_width = 1; }));
  EXPECT_FALSE(runs([](ir::Conv2d& conv) { conv.window.stride_width = 2; }));
  EXPECT_FALSE(runs([](ir::Conv2d& conv) { conv.window.padding.bottom = 3; }));
}

TEST(DepthwiseConvTest, TheResultDoesNotDependOnTheThreads) {
  const Case c{24, 14, 5, 1, {2, 2, 2, 2}};
  const Tensor x = as_rows(torch::randn({20, 24, 14, 14}));
  const Tensor weight = torch::randn({24, 1, 5, 5});
  const Tensor dy = torch::randn_like(x);
  const auto ours = [&](const Tensor& in, const Tensor& filters) {
    return depthwise_conv(conv_of(c), in, filters);
  };
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Outcome one = run(x, weight, dy, ours);
  at::set_num_threads(2);
  const Outcome two = run(x, weight, dy, ours);
  at::set_num_threads(threads);
  EXPECT_TRUE(torch::equal(one.y, two.y));
  EXPECT_TRUE(torch::equal(one.x_gradient, two.x_gradient));
  EXPECT_TRUE(torch::equal(one.weight_gradient, two.weight_gradient));
}

/// Of every instruction set against the widest.
TEST(DepthwiseConvTest, AllInstructionSetsAgree) {
  const DepthwiseShape shape{.channels = 21,
                             .height = 9,
                             .width = 11,
                             .out_height = 5,
                             .out_width = 6,
                             .kernel = 5,
                             .stride = 2,
                             .top = 2,
                             .left = 2};
  Rng rng(3);
  const auto draw = [&](std::int64_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = static_cast<float>(rng.uniform() - 0.5);
    return values;
  };
  const auto x = draw(2 * shape.in_elements());
  const auto weight = draw(21 * 25);
  const auto dy = draw(2 * shape.out_elements());
  std::vector<std::vector<float>> results;
  for (const Kernels* const* set = supported_kernels(); *set != nullptr; ++set) {
    std::vector<float> y(dy.size()), dx(x.size()), d_weight(weight.size());
    (*set)->of_floats.depthwise(shape, 2, x.data(), weight.data(), y.data());
    (*set)->of_floats.depthwise_gradient(shape, 2, x.data(), weight.data(), dy.data(), dx.data(),
                                         d_weight.data());
    std::vector<float>& all = results.emplace_back(y);
    all.insert(all.end(), dx.begin(), dx.end());
    all.insert(all.end(), d_weight.begin(), d_weight.end());
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_NEAR(all[i], results.front()[i], 1e-4) << (*set)->name << ' ' << i;
    }
  }
}

}  // namespace
}  // namespace hwnas::nn
