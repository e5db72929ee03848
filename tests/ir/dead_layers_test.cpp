#include <gtest/gtest.h>

#include "tests/ir/network_zoo.hpp"

namespace hwnas::ir {
namespace {

std::vector<std::string> names(const Network& network) {
  std::vector<std::string> result;
  for (const Layer& layer : network.layers) result.push_back(layer.name);
  return result;
}

using Names = std::vector<std::string>;

TEST(RemoveDeadLayers, DropsWhatDoesNotReachTheOutput) {
  zoo::Builder net({3, 4, 4});
  const int a = net.add(zoo::conv(3, zoo::square(1)));
  const int dead = net.add(zoo::conv(3, zoo::square(3)), {a});
  net.add(Activation{}, {dead});
  net.add(GlobalAveragePool{}, {a});
  const Network result = remove_dead_layers(net.take());
  EXPECT_EQ(names(result), (Names{"conv2d_0", "global_average_pool_3"}));
  EXPECT_EQ(result.layers[1].inputs, std::vector<int>{0});
}

TEST(RemoveDeadLayers, DropsZeroTermsAndAdditionsOfOneTerm) {
  const Network result = remove_dead_layers(zoo::zero_edges());
  EXPECT_EQ(names(result), (Names{"conv2d_0", "batch_norm_1", "relu_2", "conv2d_4", "add_5",
                                  "average_pool_9", "global_average_pool_11", "linear_12"}));
  EXPECT_EQ(result.layers[4].inputs, (std::vector<int>{3, 2}));
  EXPECT_EQ(result.layers[5].inputs, (std::vector<int>{4}));
}

TEST(RemoveDeadLayers, AnAdditionOfZerosIsZeroItself) {
  zoo::Builder net({3, 4, 4});
  const int a = net.add(zoo::conv(3, zoo::square(1)), {kNetworkInput});
  const int none = net.add(Zero{}, {a});
  const int sum = net.add(Add{}, {none, none});
  const int total = net.add(Add{}, {a, sum});
  net.add(Activation{}, {total});
  EXPECT_EQ(names(remove_dead_layers(net.take())), (Names{"conv2d_0", "relu_4"}));
}

TEST(RemoveDeadLayers, KeepsZerosThatOthersRead) {
  zoo::Builder net({3, 4, 4});
  const int none = net.add(Zero{});
  net.add(zoo::conv(2, zoo::square(1), 1, true), {none});
  EXPECT_EQ(remove_dead_layers(net.take()).layers.size(), 2U);
}

TEST(RemoveDeadLayers, KeepsAnOutputThatOnlyHandsOnTheInput) {
  zoo::Builder net({3, 4, 4});
  const int none = net.add(Zero{});
  net.add(Add{}, {kNetworkInput, none});
  const Network network = net.take();
  EXPECT_EQ(remove_dead_layers(network), network);
}

TEST(RemoveDeadLayers, TheOutputMayMoveToAnEarlierLayer) {
  zoo::Builder net({3, 4, 4});
  const int a = net.add(zoo::conv(3, zoo::square(1)));
  const int none = net.add(Zero{}, {a});
  net.add(Add{}, {none, a});
  EXPECT_EQ(names(remove_dead_layers(net.take())), Names{"conv2d_0"});
}

class LiveLayers : public testing::TestWithParam<zoo::ZooNetwork> {};
INSTANTIATE_TEST_SUITE_P(Zoo, LiveLayers, testing::ValuesIn(zoo::networks()),
                         [](const auto& test) { return test.param.name; });

TEST_P(LiveLayers, ComputeTheSameFunction) {
  const Network& network = GetParam().network;
  Weights weights = zoo::random_weights(network, 1);
  const std::vector<float> input = zoo::random_input(network, 2);
  const Network live = remove_dead_layers(network);
  EXPECT_NO_THROW(verify(live));
  EXPECT_EQ(run_reference(live, weights, input), run_reference(network, weights, input));
}

}  // namespace
}  // namespace hwnas::ir
