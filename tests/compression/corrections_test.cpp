#include "compression/corrections.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/ir/network_zoo.hpp"

namespace hwnas::compression {
namespace {

/// Convolution, relu, depthwise, relu, pointwise; channel ranges that differ a thousandfold.
ir::FoldedNetwork uneven_chain() {
  ir::zoo::Builder builder({3, 8, 8});
  builder.add(ir::zoo::conv(6, ir::zoo::square(3), 1, true), {ir::kNetworkInput});
  builder.add(ir::Activation{ir::ActivationKind::kRelu});
  builder.add(ir::zoo::conv(6, ir::zoo::square(3), 6, true));
  builder.add(ir::Activation{ir::ActivationKind::kRelu});
  builder.add(ir::zoo::conv(5, ir::zoo::square(1), 1, true));
  const ir::Network network = builder.take();
  ir::FoldedNetwork result{network, ir::zoo::random_weights(network, 1)};
  ir::LayerWeights& first = result.weights.layers.at(network.layers[0].name);
  for (std::size_t i = 0; i < first.weight.values.size(); ++i) {
    first.weight.values[i] *= std::pow(10.0F, static_cast<float>(i / 27) * 0.6F);
  }
  return result;
}

Samples samples_for(const ir::FoldedNetwork& network, std::size_t count) {
  return {.count = count, .at = [&network](std::size_t index) {
            return ir::zoo::random_input(network.network, index + 50);
          }};
}

ir::NetworkScales scales_of(const ir::FoldedNetwork& network, ir::WeightFormat format) {
  const ir::NetworkScales plan = plan_scales(network.network, {.default_format = format});
  return calibrated(network, plan, observe(network, plan, samples_for(network, 8)), "min_max");
}

/// Mean over samples of the squared change of the last layer's output by rounding the weights.
double rounding_error(const ir::FoldedNetwork& network, const ir::FoldedNetwork& reference,
                      const ir::NetworkScales& scales) {
  ir::FoldedNetwork rounded = network;
  for (std::size_t i = 0; i < rounded.network.layers.size(); ++i) {
    const auto found = rounded.weights.layers.find(rounded.network.layers[i].name);
    if (found == rounded.weights.layers.end()) continue;
    std::vector<float>& values = found->second.weight.values;
    const auto integers = rounded_weights(found->second, scales.layers[i]);
    const std::size_t row = values.size() / scales.layers[i].weight.size();
    for (std::size_t k = 0; k < values.size(); ++k) {
      values[k] = scales.layers[i].weight[k / row] * static_cast<float>(integers[k]);
    }
  }
  double sum = 0;
  for (std::size_t sample = 0; sample < 16; ++sample) {
    const auto input = ir::zoo::random_input(network.network, sample + 500);
    const auto exact = ir::run_reference(reference.network, reference.weights, input);
    const auto changed = ir::run_reference(rounded.network, rounded.weights, input);
    for (std::size_t k = 0; k < exact.size(); ++k) {
      sum += (exact[k] - changed[k]) * (exact[k] - changed[k]);
    }
  }
  return sum;
}

TEST(Equalize, KeepsTheFunctionAndEvensTheRanges) {
  const ir::FoldedNetwork before = uneven_chain();
  ir::FoldedNetwork after = before;
  EXPECT_EQ(equalize(after), 2);
  const auto input = ir::zoo::random_input(before.network, 3);
  const auto expected = ir::run_reference(before.network, before.weights, input);
  const auto actual = ir::run_reference(after.network, after.weights, input);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i], 1e-4 * std::abs(expected[i]) + 1e-3);
  }
  const auto range = [](const ir::FoldedNetwork& network, int channel) {
    const auto& values = network.weights.layers.at(network.network.layers[0].name).weight.values;
    float largest = 0;
    for (int i = 0; i < 27; ++i) largest = std::max(largest, std::abs(values[channel * 27 + i]));
    return largest;
  };
  EXPECT_GT(range(before, 5) / range(before, 0), 100);
  EXPECT_LT(range(after, 5) / range(after, 0), 20);
}

TEST(Equalize, DoesNotCrossWhatIsNotHomogeneous) {
  ir::zoo::Builder builder({3, 4, 4});
  builder.add(ir::zoo::conv(4, ir::zoo::square(1), 1, true), {ir::kNetworkInput});
  builder.add(ir::Activation{ir::ActivationKind::kRelu6});
  builder.add(ir::zoo::conv(4, ir::zoo::square(1), 1, true));
  const ir::Network network = builder.take();
  ir::FoldedNetwork folded{network, ir::zoo::random_weights(network, 2)};
  const ir::Weights before = folded.weights;
  EXPECT_EQ(equalize(folded), 0);
  EXPECT_EQ(folded.weights, before);
}

TEST(InputMoments, AreThoseOfTheVectorsUnderTheWindow) {
  ir::zoo::Builder builder({2, 1, 2});
  builder.add(ir::zoo::conv(1, ir::zoo::square(1), 1, true), {ir::kNetworkInput});
  const ir::Network network = builder.take();
  const ir::FoldedNetwork folded{network, ir::zoo::random_weights(network, 1)};
  const Samples one{.count = 1, .at = [](std::size_t) { return std::vector<float>{1, 3, 5, -1}; }};
  const InputMoments moments = input_moments(folded, one).begin()->second;
  EXPECT_TRUE(moments.mean[0].isApprox(Eigen::Vector2f(2, 2)));
  EXPECT_TRUE(moments.gram[0].isApprox((Eigen::Matrix2f() << 5, 1, 1, 13).finished()));
}

class EveryLowFormat : public testing::TestWithParam<ir::WeightFormat> {};

TEST_P(EveryLowFormat, CorrectedBiasesBringTheOutputNearer) {
  const ir::FoldedNetwork network = uneven_chain();
  const ir::NetworkScales scales = scales_of(network, GetParam());
  ir::FoldedNetwork corrected = network;
  correct_biases(corrected, scales, input_moments(network, samples_for(network, 16)));
  EXPECT_LT(rounding_error(corrected, network, scales), rounding_error(network, network, scales));
}

TEST_P(EveryLowFormat, AdaptiveRoundingIsBetterThanTheNearestIntegersInEachLayer) {
  const ir::FoldedNetwork network = uneven_chain();
  ir::FoldedNetwork adapted = network;
  const double ratio = round_adaptively(adapted, scales_of(network, GetParam()),
                                        input_moments(network, samples_for(network, 16)));
  EXPECT_LT(ratio, 1);
}

INSTANTIATE_TEST_SUITE_P(All, EveryLowFormat,
                         testing::Values(ir::WeightFormat::kInt4, ir::WeightFormat::kInt2,
                                         ir::WeightFormat::kTernary),
                         [](const auto& row) { return std::string(ir::info(row.param).name); });

TEST(AdaptiveRounding, BringsTheOutputOfAWholeNetworkNearer) {
  const ir::FoldedNetwork network = uneven_chain();
  const ir::NetworkScales scales = scales_of(network, ir::WeightFormat::kInt4);
  ir::FoldedNetwork adapted = network;
  round_adaptively(adapted, scales, input_moments(network, samples_for(network, 16)));
  EXPECT_LT(rounding_error(adapted, network, scales), rounding_error(network, network, scales));
}

}  // namespace
}  // namespace hwnas::compression
