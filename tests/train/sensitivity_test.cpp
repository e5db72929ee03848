#include "train/sensitivity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "tests/train/toy_problem.hpp"

namespace hwnas::train {
namespace {

/// Logistic regression on the toy images: Hessian and gradients are known in closed form.
struct Regression {
  toy::Problem problem;
  ir::FoldedNetwork network = [] {
    ir::zoo::Builder builder({1, 8, 8});
    builder.add(ir::Flatten{}, {ir::kNetworkInput});
    builder.add(ir::Linear{4});
    const ir::Network made = builder.take();
    return ir::FoldedNetwork{made, ir::zoo::random_weights(made, 2)};
  }();
  SensitivityData data{&problem.dataset, std::span(problem.indices).first(40),
                       problem.data.normalisation};

  std::vector<double> input(std::size_t sample) const {
    const auto& norm = data.normalisation;
    std::vector<double> x;
    for (std::size_t i = 0; i < 64; ++i) {
      x.push_back((problem.dataset.bytes[sample * 64 + i] / 255.0 - norm.mean[0]) /
                  norm.std_dev[0]);
    }
    return x;
  }
  std::vector<double> probabilities(const std::vector<double>& x) const {
    const ir::LayerWeights& linear = network.weights.layers.begin()->second;
    std::vector<double> p;
    for (std::size_t c = 0; c < 4; ++c) {
      const auto row = linear.weight.values.begin() + std::ptrdiff_t(64 * c);
      p.push_back(
          std::exp(std::inner_product(x.begin(), x.end(), row, double(linear.bias.values[c]))));
    }
    const double sum = std::accumulate(p.begin(), p.end(), 0.0);
    for (double& value : p) value /= sum;
    return p;
  }
};

TEST(HessianTraces, AreThoseOfLogisticRegression) {
  const Regression regression;
  // H of one sample is (diag(p) − ppᵀ) ⊗ xxᵀ, of trace Σp(1 − p)·|x|².
  double expected = 0;
  for (const std::size_t sample : regression.data.samples) {
    const std::vector<double> x = regression.input(sample);
    double spread = 0;
    for (const double p : regression.probabilities(x)) spread += p * (1 - p);
    expected += spread * std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / 40;
  }
  const auto traces = hessian_traces(regression.network, regression.data, {.probes = 400}, 1);
  ASSERT_EQ(traces.size(), 2U);
  EXPECT_EQ(traces[0], 0);
  EXPECT_NEAR(traces[1], expected, 0.05 * expected);
}

TEST(HessianTraces, DependOnTheSeedAlone) {
  const Regression regression;
  const auto traces = [&](std::uint64_t seed) {
    return hessian_traces(regression.network, regression.data, {.probes = 2}, seed);
  };
  EXPECT_EQ(traces(1), traces(1));
  EXPECT_NE(traces(1), traces(2));
}

TEST(FisherDiagonals, AreTheMeanSquaredGradientsOfSamples) {
  const Regression regression;
  std::vector<double> expected(4 * 64, 0.0);
  for (const std::size_t sample : regression.data.samples) {
    const std::vector<double> x = regression.input(sample);
    std::vector<double> slope = regression.probabilities(x);
    slope[static_cast<std::size_t>(regression.problem.dataset.labels[sample])] -= 1;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] += std::pow(slope[i / 64] * x[i % 64], 2) / 40;
    }
  }
  const auto diagonals = fisher_diagonals(regression.network, regression.data, {});
  ASSERT_EQ(diagonals.size(), 2U);
  EXPECT_TRUE(diagonals[0].empty());
  ASSERT_EQ(diagonals[1].size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(diagonals[1][i], expected[i], 1e-4 * (expected[i] + 1)) << i;
  }
}

TEST(Sensitivities, OfAConvolutionalNetworkBelongToLayersWithWeights) {
  const toy::Problem problem;
  const ir::Network network = toy::small_network();
  const ir::FoldedNetwork folded =
      ir::fold_batch_norm(network, ir::zoo::random_weights(network, 2));
  const SensitivityData data{&problem.dataset, std::span(problem.indices).first(20),
                             problem.data.normalisation};
  const auto traces = hessian_traces(folded, data, {.probes = 2}, 1);
  const auto diagonals = fisher_diagonals(folded, data, {});
  ASSERT_EQ(traces.size(), folded.network.layers.size());
  for (std::size_t i = 0; i < traces.size(); ++i) {
    const auto weights = folded.weights.layers.find(folded.network.layers[i].name);
    const bool has_weights = weights != folded.weights.layers.end();
    EXPECT_EQ(traces[i] != 0, has_weights) << i;
    EXPECT_EQ(diagonals[i].size(), has_weights ? weights->second.weight.values.size() : 0) << i;
  }
}

TEST(Sensitivities, ASoftmaxAtTheEndChangesNothing) {
  const Regression regression;
  ir::FoldedNetwork network = regression.network;
  network.network.layers.push_back({"softmax", ir::Softmax{}, {1}, {}});
  const auto traces = hessian_traces(network, regression.data, {.probes = 2}, 1);
  EXPECT_EQ(traces[1], hessian_traces(regression.network, regression.data, {.probes = 2}, 1)[1]);
  EXPECT_EQ(traces[2], 0);
}

TEST(Sensitivities, RefuseDataThatDoNotFit) {
  const Regression regression;
  SensitivityData none = regression.data;
  none.samples = {};
  EXPECT_THROW(hessian_traces(regression.network, none, {}, 1), Error);
  EXPECT_THROW(fisher_diagonals(regression.network, none, {}), Error);
  EXPECT_THROW(hessian_traces(regression.network, regression.data, {.probes = 0}, 1), Error);
}

}  // namespace
}  // namespace hwnas::train
