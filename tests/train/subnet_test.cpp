#include "train/subnet_torch.hpp"

#include <gtest/gtest.h>

#include "tests/ir/network_zoo.hpp"

namespace hwnas::train {
namespace {

using torch::Tensor;

ir::Network network_of(int channels, int kernel) {
  ir::zoo::Builder builder({2, 8, 8});
  builder.conv_block(ir::zoo::conv(channels, ir::zoo::square(kernel)), ir::ActivationKind::kRelu6);
  builder.conv_block(ir::zoo::conv(channels, ir::zoo::square(kernel), channels),
                     ir::ActivationKind::kRelu6);
  builder.add(ir::GlobalAveragePool{});
  builder.add(ir::Linear{3});
  return builder.take();
}

/// The gradient of a function that is linear in the network's parameters, by finite differences of
/// the shared ones along random directions.
TEST(Subnet, AddsTheGradientsOfWhatItTakes) {
  nn::SharedParameters shared;
  shared.cover(network_of(6, 5));
  shared.cover(network_of(4, 3));
  Subnet subnet(network_of(4, 3), shared, torch::kCPU);
  torch::manual_seed(1);
  const Tensor values = torch::randn({shared.size()});
  subnet.take_from(values);
  const Tensor slope = torch::randn_like(subnet.module().flat_parameters());
  const auto value_at = [&](const Tensor& at) {
    subnet.take_from(at);
    return (subnet.module().flat_parameters() * slope).sum().item<double>();
  };
  Tensor gradients = torch::zeros_like(values);
  subnet.module().flat_gradients().copy_(slope);
  subnet.add_gradients_to(gradients, values);
  EXPECT_EQ(subnet.module().flat_gradients().abs().max().item<float>(), 0);
  for (int i = 0; i < 20; ++i) {
    const Tensor direction = torch::randn_like(values);
    constexpr double kStep = 1e-2;
    const double change =
        (value_at(values + kStep * direction) - value_at(values - kStep * direction)) / (2 * kStep);
    const double expected = (gradients * direction).sum().item<double>();
    EXPECT_NEAR(change, expected, 1e-3 * std::max(1.0, std::abs(expected)));
  }
}

TEST(Subnet, OfTheLargestNetworkTakesEverythingButMatrices) {
  nn::SharedParameters shared;
  shared.cover(network_of(4, 3));
  Subnet subnet(network_of(4, 3), shared, torch::kCPU);
  const Tensor values = torch::arange(shared.size(), torch::kFloat);
  subnet.take_from(values);
  EXPECT_TRUE(torch::equal(std::get<0>(subnet.module().flat_parameters().sort()), values));
}

}  // namespace
}  // namespace hwnas::train
