#include "estimators/fusion_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estimators/deployment.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

using testing::Builder;
using ::testing::ElementsAre;

constexpr FusionRules kNothing({});

ir::Padding border(int pixels) {
  return {pixels, pixels, pixels, pixels};
}

/// input -> conv, batch norm, relu; and a sum of it with the first convolution's, then relu.
ir::Network residual() {
  Builder net({4, 8, 8});
  const int first = net.conv(ir::kNetworkInput, 8, 3, 1);  // 0 conv, 1 batch norm, 2 relu
  const int second = net.conv(first, 8, 3, 1, false);      // 3 conv, 4 batch norm
  net.add(ir::Add{}, {second, first});                     // 5
  net.add(ir::Activation{});                               // 6
  return net.take();
}

TEST(FusionRules, OfCompilingRuntimesFoldBatchNormsAndClampsIntoTheirProducers) {
  EXPECT_THAT(execution(residual(), {}).kernel, ElementsAre(0, 0, 0, 3, 3, 5, 5));
}

TEST(FusionRules, LeftOutGiveEveryLayerItsOwnKernel) {
  EXPECT_THAT(execution(residual(), kNothing).kernel, ElementsAre(0, 1, 2, 3, 4, 5, 6));
}

TEST(FusionRules, PutASumIntoTheLastConvolutionItReads) {
  const FusionRules rules = FusionRules{}.with(FusionRule::kConvAdd);
  EXPECT_THAT(execution(residual(), rules).kernel, ElementsAre(0, 0, 0, 3, 3, 3, 3));
  const std::vector<Kernel> fused = kernels(residual(), rules), apart = kernels(residual());
  EXPECT_EQ(fused[3].bytes, apart[3].bytes + 8 * 8 * 8) << "the other term is read as well";
  EXPECT_EQ(fused[5].kind, KernelClass::kNone);
}

TEST(FusionRules, PutPaddingIntoTheConvolutionThatAloneReadsIt) {
  Builder net({4, 8, 8});
  net.add(ir::Pad{border(1)}, {ir::kNetworkInput});
  ir::Conv2d conv;
  conv.out_channels = 8;
  conv.window.kernel_height = conv.window.kernel_width = 3;
  net.add(conv);
  const ir::Network network = net.take();
  EXPECT_THAT(execution(network, {}).kernel, ElementsAre(0, 1));
  EXPECT_THAT(execution(network, FusionRules{}.with(FusionRule::kPadConv)).kernel,
              ElementsAre(1, 1));
}

TEST(FusionRules, PutOtherActivationsIntoConvolutionsOnlyWhereARuleSaysSo) {
  Builder net({4, 8, 8});
  net.conv(ir::kNetworkInput, 8, 3, 1, false);
  net.add(ir::Activation{ir::ActivationKind::kHardSwish});
  const ir::Network network = net.take();
  EXPECT_THAT(execution(network, {}).kernel, ElementsAre(0, 0, 2));
  EXPECT_THAT(execution(network, FusionRules{}.with(FusionRule::kConvActivation)).kernel,
              ElementsAre(0, 0, 0));
}

TEST(FusionRules, DoNotFuseWhatOthersReadToo) {
  Builder net({4, 8, 8});
  const int conv = net.add(ir::Conv2d{.out_channels = 4, .window = {}}, {ir::kNetworkInput});
  const int relu = net.add(ir::Activation{});
  net.add(ir::Add{}, {conv, relu});
  EXPECT_THAT(execution(net.take(), {}).kernel, ElementsAre(0, 1, 2));
}

/// conv 0 is dead; conv 2 reads a constant only; conv 3 does the work.
ir::Network with_dead_and_constant() {
  Builder net({4, 8, 8});
  const ir::Conv2d conv{.out_channels = 4, .window = {}};
  net.add(conv, {ir::kNetworkInput});
  net.add(ir::Zero{}, {ir::kNetworkInput});
  net.add(conv, {1});
  net.add(conv, {ir::kNetworkInput});
  net.add(ir::Add{}, {2, 3, 1});
  return net.take();
}

TEST(FusionRules, SayWhetherDeadAndConstantOperatorsAreExecuted) {
  const auto executed = [](const FusionRules& rules) {
    std::vector<bool> result;
    const Execution found = execution(with_dead_and_constant(), rules);
    for (const int layer : {0, 1, 2, 3, 4}) result.push_back(found.has_kernel(layer));
    return result;
  };
  const FusionRules raw = FusionRules{}.without(FusionRule::kDeadOperators);
  EXPECT_THAT(executed(raw), ElementsAre(true, false, true, true, true));
  EXPECT_THAT(executed(raw.with(FusionRule::kConstants)),
              ElementsAre(true, false, false, true, false));
  EXPECT_THAT(executed({}), ElementsAre(false, false, true, true, true));
  EXPECT_THAT(executed(FusionRules{}.with(FusionRule::kConstants)),
              ElementsAre(false, false, false, true, false));
}

void expect_kernels_of_the_deployed(const ir::Network& network) {
  const Deployment deployed = deploy(network);
  const std::vector<Kernel> direct = kernels(network), expected = kernels(deployed.network);
  std::vector<Kernel> found(network.layers.size());
  for (std::size_t i = 0; i < expected.size(); ++i) found[deployed.origin[i]] = expected[i];
  for (std::size_t i = 0; i < direct.size(); ++i) {
    SCOPED_TRACE(network.layers[i].name);
    EXPECT_EQ(direct[i].kind, found[i].kind);
    EXPECT_EQ(direct[i].macs, found[i].macs);
    EXPECT_EQ(direct[i].outputs, found[i].outputs);
    EXPECT_EQ(direct[i].elements, found[i].elements);
    EXPECT_EQ(direct[i].bytes, found[i].bytes);
  }
}

TEST(Kernels, OfANetworkAsGivenAreThoseOfTheDeployedOne) {
  Rng rng(7);
  std::vector<ir::Network> networks = {testing::resnet8(), testing::ds_cnn(),
                                       testing::autoencoder(), testing::residual_network(6)};
  for (int i = 0; i < 30; ++i) networks.push_back(testing::random_network(20, rng));
  for (const char* const ops : {"333333", "300121", "012341", "443211", "103230", "311400"}) {
    networks.push_back(testing::nasbench201(ops, 2));
  }
  const std::size_t count = networks.size();
  for (std::size_t i = 0; i < count; ++i) {
    expect_kernels_of_the_deployed(networks[i]);
    for (ir::Layer& layer : networks[i].layers) layer.precision = {32, 32};
    expect_kernels_of_the_deployed(networks[i]);
  }
}

}  // namespace
}  // namespace hwnas::estimators
