#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

#include "core/error.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::ir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// One layer "subject" on its own inputs; input 0 is the network's, others come from
/// 1x1 convolutions with the given channels.
Network single(const Shape& input, const Operator& op, std::vector<int> inputs = {kNetworkInput}) {
  return {.input = input,
          .layers = {{.name = "subject", .op = op, .inputs = std::move(inputs), .precision = {}}}};
}

Shape output_of(const Shape& input, const Operator& op) {
  return infer_shapes(single(input, op)).back();
}

std::string refusal(const Network& network) {
  try {
    verify(network);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    return error.what();
  }
  return "accepted";
}

std::string refusal(const Shape& input, const Operator& op) {
  return refusal(single(input, op));
}

TEST(Shapes, ConvolutionFollowsTheFloorRule) {
  EXPECT_EQ(output_of({3, 224, 224}, zoo::conv(32, zoo::square(3, 2))), (Shape{32, 112, 112}));
  EXPECT_EQ(output_of({3, 7, 8}, zoo::conv(4, {2, 3, 2, 2, {0, 1, 1, 0}})), (Shape{4, 4, 4}));
  Conv2d dilated = zoo::conv(6, {3, 3, 1, 1, {}}, 3);
  dilated.dilation_height = 2;
  dilated.dilation_width = 4;
  EXPECT_EQ(output_of({3, 9, 9}, dilated), (Shape{6, 5, 1}));
}

TEST(Shapes, OtherOperatorsFollowTheirRules) {
  const Shape in = {4, 5, 7};
  EXPECT_EQ(output_of(in, BatchNorm{}), in);
  EXPECT_EQ(output_of(in, Activation{}), in);
  EXPECT_EQ(output_of(in, Pool{PoolKind::kMax, {2, 3, 2, 2, {1, 0, 0, 1}}}), (Shape{4, 3, 3}));
  EXPECT_EQ(output_of(in, GlobalAveragePool{}), (Shape{4, 1, 1}));
  EXPECT_EQ(output_of(in, Flatten{}), (Shape{140, 1, 1}));
  EXPECT_EQ(output_of(in, Pad{{1, 2, 3, 4}}), (Shape{4, 9, 13}));
  EXPECT_EQ(output_of(in, Zero{2}), (Shape{4, 3, 4}));
  EXPECT_EQ(output_of({10}, Linear{3}), (Shape{3, 1, 1}));
  EXPECT_EQ(output_of({10}, Softmax{}), (Shape{10, 1, 1}));
}

TEST(Shapes, JoiningOperatorsTakeSeveralInputs) {
  zoo::Builder net({3, 4, 6});
  const int a = net.add(zoo::conv(5, zoo::square(1)), {kNetworkInput});
  const int gate = net.add(GlobalAveragePool{}, {a});
  net.add(Mul{}, {a, gate});
  net.add(Mul{}, {a, a});
  net.add(Add{}, {a, a, a});
  net.add(Concat{}, {a, kNetworkInput, a});
  const std::vector<Shape> shapes = infer_shapes(net.take());
  EXPECT_EQ(shapes[2], (Shape{5, 4, 6}));
  EXPECT_EQ(shapes[3], (Shape{5, 4, 6}));
  EXPECT_EQ(shapes[4], (Shape{5, 4, 6}));
  EXPECT_EQ(shapes[5], (Shape{13, 4, 6}));
}

TEST(Shapes, InputShapeKnowsTheNetworksInput) {
  const Network network = zoo::squeeze_excite();
  const std::vector<Shape> shapes = infer_shapes(network);
  EXPECT_EQ(input_shape(network, shapes, 0), network.input);
  EXPECT_EQ(input_shape(network, shapes, 8, 0), (Shape{8, 8, 8}));
  EXPECT_EQ(input_shape(network, shapes, 8, 1), (Shape{8, 1, 1}));
}

TEST(Shapes, RefusalsNameLayerAndReason) {
  const auto says = [](const char* reason) {
    return AllOf(HasSubstr("'subject'"), HasSubstr(reason));
  };
  const Shape in = {4, 5, 5};
  EXPECT_THAT(refusal(in, zoo::conv(0, zoo::square(3))), says("output channels is 0"));
  EXPECT_THAT(refusal(in, zoo::conv(4, zoo::square(3), 3)), says("3 groups"));
  EXPECT_THAT(refusal(in, zoo::conv(6, zoo::square(3), 4)), says("4 groups"));
  EXPECT_THAT(refusal(in, zoo::conv(4, zoo::square(3), 0)), says("groups is 0"));
  EXPECT_THAT(refusal(in, zoo::conv(4, {7, 3, 1, 1, {}})), says("window of 7"));
  EXPECT_THAT(refusal(in, zoo::conv(4, {3, 3, 0, 1, {}})), says("vertical stride is 0"));
  EXPECT_THAT(refusal(in, zoo::conv(4, {3, 0, 1, 1, {}})), says("kernel width is 0"));
  EXPECT_THAT(refusal(in, zoo::conv(4, {3, 3, 1, 1, {-1, 0, 0, 0}})), says("top padding is -1"));
  Conv2d dilated = zoo::conv(4, zoo::square(3));
  dilated.dilation_width = 0;
  EXPECT_THAT(refusal(in, dilated), says("horizontal dilation is 0"));
  EXPECT_THAT(refusal(in, Linear{3}), says("must be flat"));
  EXPECT_THAT(refusal({4}, Linear{0}), says("output features is 0"));
  EXPECT_THAT(refusal(in, BatchNorm{0.0F}), says("epsilon is 0"));
  EXPECT_THAT(refusal(in, BatchNorm{std::nanf("")}), says("epsilon"));
  EXPECT_THAT(refusal(in, Pool{PoolKind::kMax, {2, 2, 1, 1, {0, 2, 0, 0}}}), says("no pixel"));
  EXPECT_THAT(refusal(in, Softmax{}), says("must be flat"));
  EXPECT_THAT(refusal(in, Pad{{0, -1, 0, 0}}), says("left padding is -1"));
  EXPECT_THAT(refusal(in, Zero{0}), says("stride is 0"));
  EXPECT_THAT(refusal(in, Add{}), says("has 1 inputs, but takes 2 or more"));
  EXPECT_THAT(refusal(in, Concat{}), says("has 1 inputs"));
  EXPECT_THAT(refusal(in, Mul{}), says("has 1 inputs, but takes 2"));
  EXPECT_THAT(refusal(single(in, Activation{}, {})), says("has 0 inputs"));
  EXPECT_THAT(refusal(single(in, Activation{}, {0})), says("reads layer 0"));
  EXPECT_THAT(refusal(single(in, Activation{}, {-2})), says("reads layer -2"));
}

TEST(Shapes, JoiningOperatorsRefuseShapesThatDoNotFit) {
  for (const Operator& op : {Operator{Add{}}, Operator{Mul{}}, Operator{Concat{}}}) {
    zoo::Builder net({4, 6, 6});
    const int small = net.add(zoo::conv(4, zoo::square(3, 2)));
    net.add(op, {kNetworkInput, small});
    EXPECT_THAT(refusal(net.take()), HasSubstr("4x3x3")) << operator_name(op);
  }
}

TEST(Shapes, RefusesExtentsThatCouldOverflow) {
  constexpr int kHuge = 1 << 30;
  EXPECT_THAT(refusal({kHuge, 1, 1}, Flatten{}), HasSubstr("network input"));
  EXPECT_THAT(refusal({1 << 14, 1 << 14, 2}, Flatten{}), HasSubstr("268435456"));
  EXPECT_THAT(refusal({0, 4, 4}, Flatten{}), HasSubstr("network input"));
  EXPECT_THAT(refusal({1, 5, 5}, Pad{{kHuge, 0, 0, 0}}), HasSubstr("top padding"));
  EXPECT_THAT(refusal({1, 5, 5}, zoo::conv(kHuge, {})), HasSubstr("output channels"));
  EXPECT_THAT(refusal({1 << 15}, Linear{1 << 15}), HasSubstr("weight"));
  EXPECT_THAT(refusal({1 << 12, 128, 64}, Flatten{}), HasSubstr("output channels"));
  EXPECT_THAT(refusal({1, 1 << 12, 1 << 12}, zoo::conv(1 << 12, {})), HasSubstr("output"));
}

TEST(Verify, AcceptsTheZoo) {
  for (const auto& [name, network] : zoo::networks()) {
    EXPECT_NO_THROW(verify(network)) << name;
  }
}

TEST(Verify, RefusesUnusedOutputsDuplicateAndOddNames) {
  Network network = zoo::inverted_residual();
  network.layers.insert(network.layers.begin() + 3, network.layers[1]);
  network.layers[3].name = "idle";
  network.layers.resize(4);
  std::swap(network.layers[3].name, network.layers[2].name);
  EXPECT_THAT(refusal(network), AllOf(HasSubstr("'idle'"), HasSubstr("never used")));

  network = zoo::plain();
  network.layers[1].name = network.layers[0].name;
  EXPECT_THAT(refusal(network), HasSubstr("taken"));
  network.layers[1].name = "no spaces";
  EXPECT_THAT(refusal(network), HasSubstr("'no spaces'"));
  network.layers[1].name = "";
  EXPECT_THAT(refusal(network), HasSubstr("''"));
  network.layers.clear();
  EXPECT_THAT(refusal(network), HasSubstr("without layers"));

  network = zoo::plain();
  network.layers[2].precision.activation_bits = 0;
  EXPECT_THAT(refusal(network), HasSubstr("activation_bits is 0"));
}

TEST(Zoo, UsesEveryOperator) {
  std::set<std::string_view> names;
  for (const auto& entry : zoo::networks()) {
    for (const Layer& layer : entry.network.layers) names.insert(operator_name(layer.op));
  }
  EXPECT_EQ(names.size(), 18U);
}

}  // namespace
}  // namespace hwnas::ir
