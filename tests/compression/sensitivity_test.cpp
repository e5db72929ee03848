#include "compression/sensitivity.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.hpp"
#include "core/rng.hpp"
#include "tests/core/message_of.hpp"
#include "tests/ir/network_zoo.hpp"

namespace hwnas::compression {
namespace {

using ::testing::HasSubstr;

/// Two convolutions and a linear layer; 8, 4 or 2 bits.
struct Example {
  Example() {
    ir::zoo::Builder net({3, 6, 6});
    net.add(ir::zoo::conv(8, ir::zoo::square(3), 1, true), {ir::kNetworkInput});
    net.add(ir::zoo::conv(8, ir::zoo::square(3), 1, true));
    net.add(ir::GlobalAveragePool{});
    net.add(ir::Linear{4});
    const ir::Network network = net.take();
    weights = ir::zoo::random_weights(network, 1);
    space = precision_space(
        network,
        {{ir::WeightFormat::kInt8, 8}, {ir::WeightFormat::kInt4, 8}, {ir::WeightFormat::kInt2, 8}});
    inputs.weights = &weights;
  }

  ir::Weights weights;
  PrecisionSpace space;
  SensitivityInputs inputs;
};

double squared_norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return sum;
}

TEST(Sensitivity, MeasuredLossIsTheDifferenceOfOneGroupAtATime) {
  Example example;
  int runs = 0;
  example.inputs.loss = [&](const std::vector<int>& choice) {
    ++runs;
    return 0.5 + 1 * choice[0] + 10 * choice[1] + 100 * choice[2] * choice[0];
  };
  EXPECT_EQ(measure_sensitivity("measured_loss", example.space, example.inputs),
            (SensitivityTable{{0, 1, 2}, {0, 10, 20}, {0, 0, 0}}));
  EXPECT_EQ(runs, 1 + 3 * 2);
}

TEST(Sensitivity, PinnedGroupsAreNotMeasured) {
  Example example;
  example.space.pinned[1] = true;
  example.inputs.loss = [&](const std::vector<int>& choice) {
    EXPECT_EQ(choice[1], 0);
    return 1.0 * choice[0];
  };
  EXPECT_EQ(measure_sensitivity("measured_loss", example.space, example.inputs)[0],
            (std::vector<double>{0, 1, 2}));
}

TEST(Sensitivity, OutputDistanceIsTheMeanSquare) {
  Example example;
  example.inputs.outputs = [](const std::vector<int>& choice) {
    return std::vector<float>{1, 2 + 3 * static_cast<float>(choice[0]), 5};
  };
  const SensitivityTable table =
      measure_sensitivity("output_distance", example.space, example.inputs);
  EXPECT_DOUBLE_EQ(table[0][1], 3);
  EXPECT_DOUBLE_EQ(table[0][2], 12);
  EXPECT_EQ(table[1][2], 0);
}

TEST(Sensitivity, RoundingErrorsGrowAsBitsShrink) {
  const Example example;
  const ir::Layer& layer = example.space.network.layers[0];
  const ir::LayerWeights& weights = example.weights.layers.at(layer.name);
  const auto error = [&](ir::WeightFormat format) {
    return squared_norm(rounding_errors(layer, weights, format));
  };
  const double norm = squared_norm({weights.weight.values.begin(), weights.weight.values.end()});
  EXPECT_LT(error(ir::WeightFormat::kInt8), 1e-4 * norm);
  EXPECT_GT(error(ir::WeightFormat::kInt4), 10 * error(ir::WeightFormat::kInt8));
  EXPECT_GT(error(ir::WeightFormat::kInt2), 4 * error(ir::WeightFormat::kInt4));
  EXPECT_LT(error(ir::WeightFormat::kInt2), norm);
}

TEST(Sensitivity, HessianIsTheMeanTraceTimesTheSquaredRoundingError) {
  Example example;
  example.inputs.hessian_traces = {216, 0, 0, 64};
  const SensitivityTable table = measure_sensitivity("hessian", example.space, example.inputs);
  const ir::Layer& conv = example.space.network.layers[0];
  EXPECT_NEAR(table[0][1],
              squared_norm(rounding_errors(conv, example.weights.layers.at(conv.name),
                                           ir::WeightFormat::kInt4)),
              1e-12)
      << "216 weights";
  EXPECT_EQ(table[1][2], 0);
  EXPECT_GT(table[2][2], table[2][1]);
}

TEST(Sensitivity, FisherOfOnesIsHalfTheSquaredRoundingError) {
  Example example;
  for (const ir::Layer& layer : example.space.network.layers) {
    const auto found = example.weights.layers.find(layer.name);
    const std::size_t count =
        found == example.weights.layers.end() ? 0 : found->second.weight.values.size();
    example.inputs.fisher_diagonals.emplace_back(count, 1.0);
  }
  const SensitivityTable table = measure_sensitivity("fisher", example.space, example.inputs);
  const ir::Layer& linear = example.space.network.layers[3];
  EXPECT_NEAR(table[2][2],
              0.5 * squared_norm(rounding_errors(linear, example.weights.layers.at(linear.name),
                                                 ir::WeightFormat::kInt2)),
              1e-12);
}

/// ‖FⱼᵀFᵢ‖² / (‖FᵢᵀFᵢ‖·‖FⱼᵀFⱼ‖) as it is written, over features.
double orthogonality_by_features(const LayerOutputs& a, const LayerOutputs& b) {
  const auto squared = [](const LayerOutputs& x, const LayerOutputs& y) {
    const std::size_t p = x.values.size() / x.samples;
    const std::size_t q = y.values.size() / y.samples;
    double sum = 0;
    for (std::size_t i = 0; i < p; ++i) {
      for (std::size_t j = 0; j < q; ++j) {
        double product = 0;
        for (std::size_t n = 0; n < x.samples; ++n) {
          product += double{x.values[n * p + i]} * y.values[n * q + j];
        }
        sum += product * product;
      }
    }
    return sum;
  };
  return squared(a, b) / std::sqrt(squared(a, a) * squared(b, b));
}

LayerOutputs random_outputs(std::size_t samples, std::size_t features, Rng& rng) {
  LayerOutputs outputs{.samples = samples, .values = {}};
  for (std::size_t i = 0; i < samples * features; ++i) {
    outputs.values.push_back(static_cast<float>(rng.normal()));
  }
  return outputs;
}

TEST(Sensitivity, OrthogonalityIsOmpqsRatioOfNorms) {
  Rng rng(3);
  const LayerOutputs a = random_outputs(5, 7, rng);
  const LayerOutputs b = random_outputs(5, 3, rng);
  EXPECT_NEAR(orthogonality(a, b), orthogonality_by_features(a, b), 1e-12);
  EXPECT_NEAR(orthogonality(a, a), 1, 1e-12);
  EXPECT_EQ(orthogonality({2, {1, 0}}, {2, {0, 1}}), 0);
}

TEST(Sensitivity, LayersLikeAllOthersMatterLess) {
  Example example;
  const LayerOutputs twin{2, {1, 2, 0, 0}};
  const LayerOutputs single{2, {0, 0, 3, 1}};
  example.inputs.layer_outputs = {twin, twin, {}, single};
  const SensitivityTable table =
      measure_sensitivity("orthogonality", example.space, example.inputs);
  EXPECT_NEAR(table[0][1] - table[0][0], 2 * std::exp(-10), 1e-12) << "4 bits of 16 less";
  EXPECT_NEAR(table[2][1] - table[2][0], 2, 1e-12);
}

TEST(Sensitivity, MissingInputsAndUnknownMethodsAreNamed) {
  const Example example;
  const auto message = [&](std::string_view name) {
    return message_of([&] { measure_sensitivity(name, example.space, {}); });
  };
  for (const SensitivityInfo& info : sensitivities()) {
    EXPECT_THAT(message(info.name), HasSubstr("needs"));
    EXPECT_THAT(message(info.name), HasSubstr(std::string(info.name)));
  }
  EXPECT_THAT(message("hesian"), HasSubstr("hessian"));
}

}  // namespace
}  // namespace hwnas::compression
