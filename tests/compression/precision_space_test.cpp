#include "compression/precision_space.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "estimators/cost_model.hpp"
#include "estimators/deployment.hpp"
#include "ir/weights.hpp"
#include "tests/core/message_of.hpp"
#include "tests/estimators/device_files.hpp"
#include "tests/estimators/networks.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::compression {
namespace {

using ::testing::HasSubstr;
using Groups = std::vector<std::vector<int>>;

const PrecisionOption kInt8{ir::WeightFormat::kInt8, 8};
const PrecisionOption kInt4{ir::WeightFormat::kInt4, 8};
const PrecisionOption kInt2{ir::WeightFormat::kInt2, 8};
const PrecisionOption kInt8Wide{ir::WeightFormat::kInt8, 16};

/// ResNet-18 or -50 without its first convolution and classifier, as HAWQ-V3 counts layers: the
/// projection of a block is its last convolution.
ir::Network resnet(const std::vector<int>& blocks, bool bottleneck) {
  ir::zoo::Builder net({64, 56, 56});
  int x = net.add(ir::Pool{ir::PoolKind::kMax, ir::zoo::square(3)}, {ir::kNetworkInput});
  for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
    const int width = 64 << stage;
    const int out = bottleneck ? 4 * width : width;
    for (int block = 0; block < blocks[stage]; ++block) {
      const int stride = block == 0 && stage > 0 ? 2 : 1;
      const auto conv = [&](int from, int channels, int kernel, int step) {
        return net.add(ir::zoo::conv(channels, ir::zoo::square(kernel, step)), {from});
      };
      const auto relu = [&](int from) { return net.add(ir::Activation{}, {from}); };
      int body = x;
      if (bottleneck) {
        body = relu(conv(relu(conv(x, width, 1, 1)), width, 3, stride));
        body = conv(body, out, 1, 1);
      } else {
        body = conv(relu(conv(x, width, 3, stride)), width, 3, 1);
      }
      const bool projects = block == 0 && (bottleneck || stage > 0);
      const int shortcut = projects ? conv(x, out, 1, stride) : x;
      x = relu(net.add(ir::Add{}, {body, shortcut}));
    }
  }
  return net.take();
}

/// Groups of more than one, as positions among the layers with weights.
Groups ties(const ir::Network& network, PrecisionTie tie) {
  std::vector<int> position(network.layers.size());
  int count = 0;
  for (std::size_t i = 0; i < position.size(); ++i) {
    const bool has_weights = std::holds_alternative<ir::Conv2d>(network.layers[i].op);
    if (has_weights) position[i] = count++;
  }
  Groups result;
  for (std::vector<int> group : precision_groups(network, tie)) {
    if (group.size() < 2) continue;
    for (int& layer : group) layer = position[layer];
    result.push_back(group);
  }
  return result;
}

TEST(PrecisionGroups, ByInputAreTheEqualBranchesOfHawqV3) {
  EXPECT_EQ(ties(resnet({2, 2, 2, 2}, false), PrecisionTie::kInputs),
            (Groups{{4, 6}, {9, 11}, {14, 16}}));
  EXPECT_EQ(ties(resnet({3, 4, 6, 3}, true), PrecisionTie::kInputs),
            (Groups{{0, 3}, {10, 13}, {23, 26}, {42, 45}}));
}

TEST(PrecisionGroups, ByOutputAreTheTermsOfAllAdditionsOfAStage) {
  EXPECT_EQ(ties(resnet({2, 2}, false), PrecisionTie::kOutputs), (Groups{{1, 3}, {5, 6, 8}}));
}

TEST(PrecisionGroups, ConcatenationsAndPoolingTieAndFreeLayersDoNot) {
  ir::zoo::Builder net({3, 8, 8});
  const int stem = net.add(ir::zoo::conv(4, ir::zoo::square(3)), {ir::kNetworkInput});
  const int pooled = net.add(ir::Pool{ir::PoolKind::kMax, ir::zoo::square(3)}, {stem});
  const int left = net.add(ir::zoo::conv(4, ir::zoo::square(1)), {stem});
  net.add(ir::Concat{}, {pooled, left});
  const int last = net.add(ir::zoo::conv(4, ir::zoo::square(1)));
  const ir::Network network = net.take();
  EXPECT_EQ(precision_groups(network, PrecisionTie::kOutputs), (Groups{{stem, left}, {last}}));
  EXPECT_EQ(precision_groups(network, PrecisionTie::kNone), (Groups{{stem}, {left}, {last}}));
}

ir::Network deployed(const ir::Network& network) {
  return estimators::deploy(network).network;
}

SensitivityTable zeros(const PrecisionSpace& space) {
  return SensitivityTable(space.groups.size(), std::vector<double>(space.options.size()));
}

/// A mixture that uses every option.
std::vector<int> mixture(const PrecisionSpace& space) {
  std::vector<int> choice;
  for (std::size_t g = 0; g < space.groups.size(); ++g) {
    choice.push_back(static_cast<int>(g % space.options.size()));
  }
  return choice;
}

TEST(AllocationProblem, CostsOfAnyChoiceAreThoseOfTheNetworkWithItsPrecisions) {
  const estimators::DeviceProfile device = estimators::testing::device("gap9");
  const estimators::RuntimeProfile& runtime = device.runtimes.front();
  for (const ir::Network& network :
       {estimators::testing::resnet8(), estimators::testing::ds_cnn()}) {
    const PrecisionSpace space = precision_space(deployed(network), {kInt8, kInt4, kInt2});
    const AllocationProblem problem = allocation_problem(
        space, zeros(space), device, runtime,
        {{"flash_bytes", 1e9}, {"latency_ms", 1e9}, {"energy_mj", 1e9}, {"peak_sram_bytes", 1e9}});
    std::vector<int> choice = mixture(space);
    const ir::Network chosen = with_precisions(space, choice);
    choice.push_back(0);  // other layers
    const AllocationValue value = evaluate(problem, choice);
    for (std::size_t k = 0; k < problem.limits.size(); ++k) {
      const double expected = estimators::make_cost_model(problem.limits[k].name, device, runtime)
                                  ->predict(chosen)
                                  .value;
      EXPECT_NEAR(value.costs[k], expected, 1e-9 * expected) << problem.limits[k].name;
    }
  }
}

TEST(AllocationProblem, OptionsWithoutAKernelAreNotAllowed) {
  const PrecisionSpace space =
      precision_space(deployed(estimators::testing::ds_cnn()), {kInt8, kInt4, kInt2});
  const estimators::DeviceProfile device = estimators::testing::device("stm32f746");
  const auto allowed = [&](const std::string& runtime, std::size_t option) {
    const AllocationProblem problem =
        allocation_problem(space, zeros(space), device, device.runtime(runtime), {});
    return problem.groups.front().options[option].allowed;
  };
  EXPECT_TRUE(allowed("tflite_micro", 1));
  EXPECT_FALSE(allowed("tflite_micro", 2));
  EXPECT_FALSE(allowed("hale", 1));
  EXPECT_TRUE(allowed("hale", 0));
}

TEST(AllocationProblem, PinnedLayersKeepTheFirstOption) {
  const ir::Network network = deployed(estimators::testing::resnet8());
  const PrecisionSpace space =
      precision_space(network, {kInt8, kInt4}, {network.layers.front().name});
  const estimators::DeviceProfile device = estimators::testing::device("gap9");
  const AllocationProblem problem =
      allocation_problem(space, zeros(space), device, device.runtimes.front(), {});
  EXPECT_FALSE(problem.groups[0].options[1].allowed);
  EXPECT_TRUE(problem.groups[1].options[1].allowed);
  EXPECT_THAT(message_of([&] { precision_space(network, {kInt8}, {"stem"}); }),
              HasSubstr("'stem'"));
}

/// Convolution, addition with a branch, linear layer; activations of 8 or 16 bits.
TEST(AllocationProblem, CastsBetweenActivationWidthsAreEdgesPricedAsElementwiseKernels) {
  estimators::DeviceProfile device = estimators::testing::device("stm32f746");
  estimators::RuntimeProfile& runtime = device.runtimes.front();
  runtime.kernels.push_back({"default", {8, 16}, std::nullopt, "for the test"});
  ir::zoo::Builder net({4, 8, 8});
  const int a = net.add(ir::zoo::conv(4, ir::zoo::square(3)), {ir::kNetworkInput});
  const int b = net.add(ir::zoo::conv(4, ir::zoo::square(3)), {a});
  const int sum = net.add(ir::Add{}, {a, b});
  net.add(ir::zoo::conv(6, ir::zoo::square(1)), {sum});
  const PrecisionSpace space = precision_space(net.take(), {kInt8Wide, kInt8});
  ASSERT_EQ(space.groups, (Groups{{a, b}, {3}}));
  const AllocationProblem problem =
      allocation_problem(space, zeros(space), device, runtime, {{"latency_ms", 1e3}});
  ASSERT_EQ(problem.edges.size(), 1U);
  const std::vector<double>& casts = problem.edges[0].costs[0];
  const double cast_ms =
      4 * 8 * 8 / runtime.elements_per_second.value * 1e3 + runtime.layer_overhead_us.value / 1e3;
  EXPECT_EQ(casts[0], 0);
  EXPECT_NEAR(casts[1], cast_ms, 1e-9);
  EXPECT_NEAR(casts[2], cast_ms, 1e-9);
  EXPECT_EQ(casts[3], 0);
  EXPECT_THAT(
      message_of([&] {
        allocation_problem(space, zeros(space), device, runtime, {{"peak_sram_bytes", 1e3}});
      }),
      HasSubstr("peak_sram_bytes"));
}

TEST(AllocationProblem, AChoiceBecomesTheQuantizersWidthsByLayerName) {
  const ir::Network network = deployed(estimators::testing::resnet8());
  const PrecisionSpace space = precision_space(network, {kInt8, kInt4});
  std::vector<int> choice(space.groups.size(), 0);
  choice[1] = 1;
  const BitWidths widths = bit_widths(space, choice);
  EXPECT_EQ(widths.activation_bits, 8);
  EXPECT_EQ(widths.formats.at(network.layers[space.groups[1][0]].name), ir::WeightFormat::kInt4);
  EXPECT_EQ(widths.formats.at(network.layers[space.groups[0][0]].name), ir::WeightFormat::kInt8);
}

/// Nine 3x3 convolutions of 64 to 256 channels on CIFAR-10's pixels: ResNet-18's widths, one block
/// a stage.
ir::Network wide_resnet() {
  estimators::testing::Builder net({3, 32, 32});
  int x = net.conv(ir::kNetworkInput, 64, 3, 1);
  for (const int channels : {64, 128, 256}) {
    const int stride = channels == 64 ? 1 : 2;
    net.conv(x, channels, 3, stride);
    const int body = net.conv(net.last(), channels, 3, 1, false);
    const int shortcut = stride == 1 ? x : net.conv(x, channels, 1, stride, false);
    net.add(ir::Add{}, {body, shortcut});
    x = net.add(ir::Activation{});
  }
  return net.classifier(10);
}

TEST(AllocationProblem, FourBitKernelsSaveAFifthOfTheTimeWhereOnlyTheMostRobustLayersTakeThem) {
  const estimators::DeviceProfile device = estimators::testing::device("gap9");
  const estimators::RuntimeProfile& runtime = device.runtimes.front();
  const PrecisionSpace space = precision_space(deployed(wide_resnet()), {kInt8, kInt4});
  SensitivityTable sensitivities = zeros(space);
  for (std::size_t g = 0; g < space.groups.size(); ++g) {
    sensitivities[g][1] = 1.0 / static_cast<double>(g + 1);
  }
  const double int8 = estimators::make_cost_model("latency_ms", device, runtime)
                          ->predict(with_precisions(space, std::vector<int>(space.groups.size())))
                          .value;
  const Allocation result = solve(
      allocation_problem(space, sensitivities, device, runtime, {{"latency_ms", 0.8 * int8}}));
  ASSERT_TRUE(result.optimal) << result.explanation;
  EXPECT_LE(result.value.costs[0], 0.8 * int8);
  EXPECT_GT(std::ranges::count(result.choice, 0), 1 + 2) << "some layers keep 8 bits";
}

}  // namespace
}  // namespace hwnas::compression
