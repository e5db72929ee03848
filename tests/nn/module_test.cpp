#include "nn/module_torch.hpp"

#include <gtest/gtest.h>

#include <utility>

#include "core/error.hpp"
#include "ir/initial_weights.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::nn {
namespace {

using ir::zoo::ZooNetwork;
using torch::Tensor;

class ModuleTest : public testing::TestWithParam<ZooNetwork> {};

Tensor as_batch(std::vector<float>& values, const ir::Shape& shape) {
  return torch::from_blob(values.data(), {1, shape.channels, shape.height, shape.width})
      .contiguous(at::MemoryFormat::ChannelsLast);
}

TEST_P(ModuleTest, InfersAsThePlainLoopsDo) {
  const torch::NoGradGuard no_grad;
  const ir::Network& network = GetParam().network;
  const ir::Weights weights = ir::zoo::random_weights(network, 3);
  NetworkModule module(network, torch::kCPU);
  module.load(weights);
  module.eval();
  for (const std::uint64_t seed : {1, 2}) {
    std::vector<float> input = ir::zoo::random_input(network, seed);
    const std::vector<float> expected = ir::run_reference(network, weights, input);
    const Tensor logits = module.forward(as_batch(input, network.input));
    ASSERT_EQ(logits.numel(), static_cast<std::int64_t>(expected.size()));
    double largest = 1;
    for (const float value : expected) largest = std::max(largest, std::abs(double(value)));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_NEAR(logits.flatten()[i].item<float>(), expected[i], 2e-4 * largest) << i;
    }
  }
}

TEST_P(ModuleTest, SavesWhatItLoaded) {
  const ir::Weights weights = ir::zoo::random_weights(GetParam().network, 5);
  NetworkModule module(GetParam().network, torch::kCPU);
  module.load(weights);
  EXPECT_EQ(module.save(), weights);
}

TEST_P(ModuleTest, GradientsOfEveryParameterLandInTheFlatVector) {
  const ir::Network& network = GetParam().network;
  NetworkModule module(network, torch::kCPU);
  module.load(ir::initial_weights(network, 1));
  module.train();
  const ir::Shape& in = network.input;
  const Tensor batch = torch::linspace(-1, 1, 8 * in.elements())
                           .reshape({8, in.channels, in.height, in.width})
                           .contiguous(at::MemoryFormat::ChannelsLast);
  module.forward(batch).square().sum().backward();
  EXPECT_EQ(module.flat_parameters().numel(), ir::parameters(network));
  EXPECT_TRUE(module.flat_gradients().isfinite().all().item<bool>());
  if (ir::parameters(network) > 0) {
    EXPECT_GT(module.flat_gradients().abs().max().item<float>(), 0);
  }
}

/// The cosine of the angle between two vectors.
double alignment(const Tensor& a, const Tensor& b) {
  return (a * b).sum().item<double>() / (a.norm() * b.norm()).item<double>();
}

TEST_P(ModuleTest, TrainsInBfloat16AsInFloat32UpToItsRounding) {
  const ir::Network& network = GetParam().network;
  NetworkModule module(network, torch::kCPU);
  module.load(ir::initial_weights(network, 1));
  module.train();
  const ir::Shape& in = network.input;
  torch::manual_seed(2);
  const Tensor batch = torch::randn({32, in.channels, in.height, in.width})
                           .contiguous(at::MemoryFormat::ChannelsLast);
  const auto run = [&](at::ScalarType type) {
    module.flat_gradients().zero_();
    const Tensor logits = module.forward(batch.to(type));
    EXPECT_EQ(logits.scalar_type(), torch::kFloat);
    logits.square().sum().backward();
    return std::pair(logits.detach(), module.flat_gradients().clone());
  };
  const auto [logits, gradients] = run(torch::kFloat);
  const auto [short_logits, short_gradients] = run(torch::kBFloat16);
  EXPECT_GT(alignment(logits, short_logits), 0.999);
  if (ir::parameters(network) > 0) {
    EXPECT_FALSE(torch::equal(gradients, short_gradients));
    EXPECT_GT(alignment(gradients, short_gradients), 0.9);
  }
}

TEST_P(ModuleTest, FreshWeightsDependOnTheSeedAlone) {
  const ir::Network& network = GetParam().network;
  EXPECT_EQ(ir::initial_weights(network, 4), ir::initial_weights(network, 4));
  if (ir::parameters(network) > 0) {
    EXPECT_NE(ir::initial_weights(network, 4), ir::initial_weights(network, 5));
  }
  EXPECT_NO_THROW(ir::verify(network, ir::initial_weights(network, 4)));
}

INSTANTIATE_TEST_SUITE_P(Zoo, ModuleTest, testing::ValuesIn(ir::zoo::networks()),
                         [](const auto& named) { return named.param.name; });

/// A residual block; the sum reads the shortcut first or last.
ir::Network residual_network(bool shortcut_first) {
  ir::zoo::Builder builder({3, 6, 6});
  const int stem =
      builder.conv_block(ir::zoo::conv(8, ir::zoo::square(3)), ir::ActivationKind::kRelu);
  builder.add(ir::zoo::conv(8, ir::zoo::square(3)), {stem});
  const int main = builder.add(ir::BatchNorm{});
  builder.add(ir::Add{}, shortcut_first ? std::vector{stem, main} : std::vector{main, stem});
  builder.add(ir::Activation{ir::ActivationKind::kRelu});
  builder.add(ir::GlobalAveragePool{});
  builder.add(ir::Flatten{});
  builder.add(ir::Linear{5});
  return builder.take();
}

TEST(Module, FusesAResidualSumWhicheverTermComesFirst) {
  Tensor outputs[2];
  for (const bool shortcut_first : {false, true}) {
    const ir::Network network = residual_network(shortcut_first);
    NetworkModule module(network, torch::kCPU);
    module.load(ir::initial_weights(network, 9));
    module.train();
    const Tensor batch = torch::linspace(-1, 1, 4 * 108).reshape({4, 3, 6, 6});
    outputs[shortcut_first] = module.forward(batch);
  }
  EXPECT_TRUE(outputs[0].equal(outputs[1]));
}

TEST(Module, RefusesWeightsOfAnotherNetwork) {
  NetworkModule module(residual_network(true), torch::kCPU);
  EXPECT_THROW(module.load(ir::Weights{}), Error);
}

}  // namespace
}  // namespace hwnas::nn
