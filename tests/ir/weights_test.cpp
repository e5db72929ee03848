#include "ir/weights.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::ir {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

class WeightsOfZoo : public testing::TestWithParam<zoo::ZooNetwork> {
 protected:
  const Network& network() const { return GetParam().network; }
};
INSTANTIATE_TEST_SUITE_P(Zoo, WeightsOfZoo, testing::ValuesIn(zoo::networks()),
                         [](const auto& test) { return test.param.name; });

TEST_P(WeightsOfZoo, HoldAsManyValuesAsTheNetworkHasParameters) {
  const Weights weights = zoo::random_weights(network(), 1);
  EXPECT_NO_THROW(verify(network(), weights));
  std::int64_t count = 0;
  for (const auto& [name, layer] : weights.layers) {
    count += static_cast<std::int64_t>(layer.weight.values.size() + layer.bias.values.size());
  }
  EXPECT_EQ(count, parameters(network()));
}

TEST_P(WeightsOfZoo, AreRefusedWhenAnyArrayIsMissingOrWrong) {
  const Weights weights = zoo::random_weights(network(), 1);
  for (const auto& [name, layer] : weights.layers) {
    Weights changed = weights;
    changed.layers.erase(name);
    EXPECT_THROW(verify(network(), changed), Error) << name;
    for (const auto array : {&LayerWeights::weight, &LayerWeights::bias,
                             &LayerWeights::running_mean, &LayerWeights::running_var}) {
      changed = weights;
      (changed.layers.at(name).*array).values.push_back(0);
      EXPECT_THROW(verify(network(), changed), Error) << name;
    }
    changed = weights;
    changed.layers.at(name).weight.shape.push_back(1);
    EXPECT_THROW(verify(network(), changed), Error) << name;
  }
  Weights surplus = weights;
  surplus.layers["nowhere"] = {};
  EXPECT_THROW(verify(network(), surplus), Error);
}

TEST_P(WeightsOfZoo, FoldingBatchNormKeepsTheFunction) {
  const Weights weights = zoo::random_weights(network(), 3);
  const FoldedNetwork folded = fold_batch_norm(network(), weights);
  EXPECT_NO_THROW(verify(folded.network));
  EXPECT_NO_THROW(verify(folded.network, folded.weights));
  for (const Layer& layer : folded.network.layers) {
    EXPECT_FALSE(std::holds_alternative<BatchNorm>(layer.op)) << layer.name;
  }
  const std::vector<float> input = zoo::random_input(network(), 4);
  EXPECT_THAT(run_reference(folded.network, folded.weights, input),
              Pointwise(FloatNear(2e-5F), run_reference(network(), weights, input)));
}

TEST_P(WeightsOfZoo, FoldingWithoutWeightsGivesTheSameNetwork) {
  const Weights weights = zoo::random_weights(network(), 3);
  EXPECT_EQ(fold_batch_norm(network()), fold_batch_norm(network(), weights).network);
}

TEST(FoldBatchNorm, FoldsOnlyIntoAProducerThatNothingElseReads) {
  const Network folded = fold_batch_norm(zoo::standalone_batch_norm());
  std::vector<std::string> names;
  for (const Layer& layer : folded.layers) names.push_back(layer.name);
  EXPECT_THAT(names, ElementsAre("batch_norm_0", "conv2d_1", "batch_norm_2", "relu_4", "conv2d_5",
                                 "add_6", "batch_norm_7", "global_average_pool_9", "linear_10"));
  EXPECT_EQ(std::get<Conv2d>(folded.layers[2].op).groups, 4);
  EXPECT_FALSE(std::get<Conv2d>(folded.layers[1].op).bias);
}

TEST(FoldBatchNorm, TakesTheActivationPrecisionOfTheBatchNorm) {
  Network network = zoo::inverted_residual();
  network.layers[0].precision = {4, 8};
  network.layers[1].precision = {8, 16};
  EXPECT_EQ(fold_batch_norm(network).layers[0].precision, (Precision{4, 16}));
}

// Expected values below are worked out by hand.
std::vector<float> run_one(const Shape& input, const Operator& op, const LayerWeights& weights,
                           const std::vector<float>& values) {
  const Network network{input, {{"x", op, {kNetworkInput}, {}}}};
  return run_reference(network, weights == LayerWeights{} ? Weights{} : Weights{{{"x", weights}}},
                       values);
}

TEST(RunReference, ConvolvesWithPaddingStrideAndBias) {
  const LayerWeights weights = {{{1, 1, 2, 2}, {1, 2, 3, 4}}, {{1}, {0.5}}, {}, {}};
  const Conv2d op = zoo::conv(1, {2, 2, 2, 1, {1, 0, 0, 1}}, 1, true);
  // 1 2 3
  // 4 5 6
  EXPECT_THAT(run_one({1, 2, 3}, op, weights, {1, 2, 3, 4, 5, 6}),
              ElementsAre(3 + 8 + .5F, 6 + 12 + .5F, 9 + .5F));
}

TEST(RunReference, DilatesAndGroups) {
  Conv2d op = zoo::conv(2, {1, 2, 1, 1, {}}, 2);
  op.dilation_width = 2;
  const LayerWeights weights = {{{2, 1, 1, 2}, {1, 10, 2, 20}}, {}, {}, {}};
  EXPECT_THAT(run_one({2, 1, 4}, op, weights, {1, 2, 3, 4, 5, 6, 7, 8}),
              ElementsAre(31, 42, 150, 172));
}

TEST(RunReference, NormalisesAndMultiplies) {
  const LayerWeights norm = {{{1}, {2}}, {{1}, {1}}, {{1}, {3}}, {{1}, {4 - 1e-5F}}};
  EXPECT_THAT(run_one({1, 1, 2}, BatchNorm{}, norm, {3, 5}),
              Pointwise(FloatNear(1e-6F), {1.0F, 3.0F}));
  const LayerWeights linear = {{{2, 2}, {1, 2, 3, 4}}, {{2}, {10, 20}}, {}, {}};
  EXPECT_THAT(run_one({2}, Linear{2}, linear, {1, 1}), ElementsAre(13, 27));
}

TEST(RunReference, PoolsWithoutCountingPaddedPixels) {
  const Window window = {2, 2, 1, 2, {1, 1, 0, 0}};
  const std::vector<float> in = {1, 2, 3, 4, 5, 6};
  EXPECT_THAT(run_one({1, 2, 3}, Pool{PoolKind::kAverage, window}, {}, in),
              ElementsAre(1, 2.5F, 2.5F, 4));
  const std::vector<float> negative = {-1, -2, -3, -4, -5, -6};
  EXPECT_THAT(run_one({1, 2, 3}, Pool{PoolKind::kMax, window}, {}, negative),
              ElementsAre(-1, -2, -1, -2));
  EXPECT_THAT(run_one({1, 2, 3}, GlobalAveragePool{}, {}, in), ElementsAre(3.5F));
}

TEST(RunReference, ActivatesPointwise) {
  const auto activate = [](ActivationKind kind) {
    return run_one({5}, Activation{kind}, {}, {-4, -1, 0, 1, 7});
  };
  const auto near = [](std::vector<float> expected) {
    return Pointwise(FloatNear(1e-6F), std::move(expected));
  };
  EXPECT_THAT(activate(ActivationKind::kRelu), ElementsAre(0, 0, 0, 1, 7));
  EXPECT_THAT(activate(ActivationKind::kRelu6), ElementsAre(0, 0, 0, 1, 6));
  EXPECT_THAT(activate(ActivationKind::kHardSwish), near({0, -1 / 3.F, 0, 2 / 3.F, 7}));
  EXPECT_THAT(activate(ActivationKind::kHardSigmoid), near({0, 1 / 3.F, .5F, 2 / 3.F, 1}));
  EXPECT_THAT(activate(ActivationKind::kSigmoid),
              near({.01798621F, .26894142F, .5F, .73105858F, .99908895F}));
}

TEST(RunReference, RearrangesAndFills) {
  EXPECT_THAT(run_one({1, 1, 2}, Pad{{1, 0, 0, 1}}, {}, {1, 2}), ElementsAre(0, 0, 0, 1, 2, 0));
  EXPECT_THAT(run_one({1, 3, 1}, Zero{2}, {}, {1, 2, 3}), Each(0.0F));
  EXPECT_THAT(run_one({2}, Softmax{}, {}, {1000, 1000}), ElementsAre(.5F, .5F));
}

TEST(RunReference, RefusesAnInputOfTheWrongSize) {
  EXPECT_THROW(run_one({2}, Softmax{}, {}, {1}), Error);
}

}  // namespace
}  // namespace hwnas::ir
