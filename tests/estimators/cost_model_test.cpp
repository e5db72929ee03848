#include "estimators/cost_model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <thread>

#include "core/error.hpp"
#include "device_files.hpp"
#include "estimators/deployment.hpp"
#include "ir/weights.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

using testing::Builder;

std::vector<ir::Network> sample_networks() {
  std::vector<ir::Network> networks = {testing::resnet8(), testing::ds_cnn(),
                                       testing::mobilenet_v1(1, 96, 2), testing::autoencoder(),
                                       testing::nasbench201("301234", 1)};
  Rng rng(1);
  for (int i = 0; i < 5; ++i) networks.push_back(testing::random_network(12, rng));
  return networks;
}

/// Every metric on every runtime of every device file.
class CostModelConformance : public ::testing::TestWithParam<std::string> {
 protected:
  template <typename Check>
  void for_each_model(Check check) {
    const DeviceProfile device = testing::device(GetParam());
    for (const RuntimeProfile& runtime : device.runtimes) {
      for (const CostModelInfo& info : cost_models()) {
        SCOPED_TRACE(runtime.name + " " + std::string(info.metric));
        const auto model = make_cost_model(info.metric, device, runtime);
        EXPECT_EQ(model->metric(), info.metric);
        check(*model);
      }
    }
  }
};

TEST_P(CostModelConformance, EstimatesAreFiniteAndSumUpOverTheLayersGiven) {
  for_each_model([](const CostModel& model) {
    for (const ir::Network& network : sample_networks()) {
      const Estimate estimate = model.predict(network);
      EXPECT_TRUE(std::isfinite(estimate.value));
      EXPECT_GT(estimate.value, 0);
      EXPECT_TRUE(std::isfinite(estimate.standard_deviation));
      EXPECT_EQ(estimate.standard_deviation > 0, estimate.origin == Origin::kPredicted);
      if (model.metric() == "peak_sram_bytes") {
        EXPECT_TRUE(estimate.per_layer.empty());
        continue;
      }
      ASSERT_EQ(estimate.per_layer.size(), network.layers.size());
      for (const double part : estimate.per_layer) EXPECT_GE(part, 0);
      EXPECT_NEAR(std::accumulate(estimate.per_layer.begin(), estimate.per_layer.end(), 0.0),
                  estimate.value, 1e-9 * estimate.value);
    }
  });
}

TEST_P(CostModelConformance, TheSameNetworkCostsTheSameOnAllThreads) {
  for_each_model([](const CostModel& model) {
    const std::vector<ir::Network> networks = sample_networks();
    std::vector<double> expected;
    for (const ir::Network& network : networks) expected.push_back(model.predict(network).value);
    std::vector<std::vector<double>> values(4);
    std::vector<std::thread> threads;
    for (std::vector<double>& mine : values) {
      threads.emplace_back([&] {
        for (const ir::Network& network : networks) mine.push_back(model.predict(network).value);
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<double>& mine : values) EXPECT_EQ(mine, expected);
  });
}

TEST_P(CostModelConformance, WiderNetworksCostMore) {
  for_each_model([](const CostModel& model) {
    double previous = 0;
    for (const int quarters : {1, 2, 3, 4}) {
      const double cost = model.predict(testing::mobilenet_v1(quarters, 96, 10)).value;
      EXPECT_GT(cost, previous);
      previous = cost;
    }
  });
}

TEST_P(CostModelConformance, MalformedNetworksAreRefused) {
  for_each_model([](const CostModel& model) { EXPECT_THROW(model.predict({}), Error); });
}

TEST_P(CostModelConformance, EstimatesOutliveTheProfileTheyWereMadeFrom) {
  std::unique_ptr<CostModel> model;
  {
    const DeviceProfile device = testing::device(GetParam());
    model = make_cost_model("energy_mj", device, device.runtimes.front());
  }
  EXPECT_GT(model->predict(testing::resnet8()).value, 0);
}

INSTANTIATE_TEST_SUITE_P(Devices, CostModelConformance,
                         ::testing::ValuesIn(testing::device_names()),
                         [](const auto& device) { return device.param; });

/// A device of round numbers, to compute costs by hand.
DeviceProfile round_device() {
  RuntimeProfile runtime;
  runtime.name = "round";
  runtime.macs_per_second = {{"default", {1e6, ""}}, {"depthwise", {5e5, ""}}};
  runtime.outputs_per_second = Sourced{1e5, ""};
  runtime.elements_per_second = {2e5, ""};
  runtime.layer_overhead_us = {100, ""};
  runtime.latency_relative_sd = {0.3, ""};
  runtime.in_place_elementwise = true;
  DeviceProfile device;
  device.memory_bytes_per_second = {1e9, ""};
  device.active_power_mw = {50, ""};
  device.power_relative_sd = {0.4, ""};
  device.runtimes = {runtime};
  return device;
}

Estimate predict(std::string_view metric, const ir::Network& network,
                 const DeviceProfile& device = round_device()) {
  return make_cost_model(metric, device, device.runtimes.front())->predict(network);
}

/// conv 3x3, batch norm, relu, depthwise 3x3, global pooling, linear.
ir::Network small_network() {
  Builder net({2, 10, 10});
  net.conv(ir::kNetworkInput, 4, 3, 1);
  ir::Conv2d depthwise;
  depthwise.out_channels = depthwise.groups = 4;
  depthwise.window.kernel_height = depthwise.window.kernel_width = 3;
  net.add(depthwise);
  return net.classifier(5);
}

TEST(LatencyMs, IsTheSumOfKernelsAtTheRuntimesRates) {
  const Estimate estimate = predict("latency_ms", small_network());
  ASSERT_EQ(estimate.per_layer.size(), 6U);
  EXPECT_DOUBLE_EQ(estimate.per_layer[0], 7.2 + 4.0 + 0.1);  // 400·18 MACs, 400 outputs
  EXPECT_EQ(estimate.per_layer[1], 0) << "the batch norm is folded";
  EXPECT_EQ(estimate.per_layer[2], 0) << "relu is fused";
  EXPECT_DOUBLE_EQ(estimate.per_layer[3], 2 * 2.304 + 2.56 + 0.1);  // 256·9 MACs at half the rate
  EXPECT_DOUBLE_EQ(estimate.per_layer[4], 256 / 200.0 + 0.1);
  EXPECT_DOUBLE_EQ(estimate.per_layer[5], 20 / 1000.0 + 0.1);
  EXPECT_DOUBLE_EQ(estimate.standard_deviation, 0.3 * estimate.value);
}

TEST(LatencyMs, LayersRunAtTheRateOfTheirPrecisionsKernel) {
  DeviceProfile device = round_device();
  device.runtimes[0].kernels = {{"conv", {4, 8}, 2e6, ""}, {"depthwise", {4, 8}, std::nullopt, ""}};
  ir::Network network = small_network();
  for (ir::Layer& layer : network.layers) layer.precision = {4, 8};
  const Estimate estimate = predict("latency_ms", network, device);
  EXPECT_DOUBLE_EQ(estimate.per_layer[0], 3.6 + 4.0 + 0.1) << "twice as fast";
  EXPECT_DOUBLE_EQ(estimate.per_layer[3], 2 * 2.304 + 2.56 + 0.1) << "unpacked";
  EXPECT_DOUBLE_EQ(estimate.per_layer[5], 20 / 1000.0 + 0.1) << "no kernel: the measured rate";
}

TEST(LatencyMs, PointwiseConvolutionsMayHaveARateOfTheirOwn) {
  DeviceProfile device = round_device();
  Builder net({8, 5, 5});
  net.conv(ir::kNetworkInput, 8, 1, 1);
  const ir::Network network = net.take();
  EXPECT_DOUBLE_EQ(predict("latency_ms", network, device).value, 1.6 + 2.0 + 0.1);
  device.runtimes[0].macs_per_second["pointwise"] = {4e5, ""};
  EXPECT_DOUBLE_EQ(predict("latency_ms", network, device).value, 4.0 + 2.0 + 0.1);
}

TEST(LatencyMs, IsBoundByMemoryWhereThatIsSlower) {
  DeviceProfile device = round_device();
  device.memory_bytes_per_second.value = 1e3;
  Builder net({100, 1, 1});
  net.add(ir::Linear{10}, {ir::kNetworkInput});
  // 1,000 weights, 10 biases and scales of 4 bytes each, 100 inputs, 10 outputs
  EXPECT_DOUBLE_EQ(predict("latency_ms", net.take(), device).value, 1190 + 0.1);
}

TEST(LatencyMs, DeadBranchesAndZerosAreFree) {
  const Estimate none = predict("latency_ms", testing::nasbench201("000100", 1));
  const Estimate dead = predict("latency_ms", testing::nasbench201("300100", 1));
  EXPECT_DOUBLE_EQ(none.value, dead.value);
}

TEST(EnergyMj, IsPowerTimesLatency) {
  const Estimate latency = predict("latency_ms", small_network());
  const Estimate energy = predict("energy_mj", small_network());
  EXPECT_DOUBLE_EQ(energy.value, latency.value * 0.05);
  EXPECT_DOUBLE_EQ(energy.standard_deviation, 0.5 * energy.value);
}

TEST(FlashBytes, CountsTheTablesThatARuntimeStores) {
  Builder net({4, 6, 6});
  ir::Conv2d conv;
  conv.out_channels = 8;
  net.add(conv, {ir::kNetworkInput});
  net.add(ir::Activation{ir::ActivationKind::kHardSwish});
  net.add(conv);
  net.add(ir::Activation{ir::ActivationKind::kHardSigmoid});  // the clamp of its convolution
  net.add(ir::GlobalAveragePool{});
  net.add(ir::Activation{ir::ActivationKind::kHardSigmoid});
  net.add(ir::Softmax{});
  const DeviceProfile device = testing::device("stm32f746");
  const auto flash = make_cost_model("flash_bytes", device, device.runtime("hwnas_c"));
  EXPECT_EQ(flash->predict(net.take()).per_layer,
            (std::vector<double>{32 + 9 * 8, 256, 64 + 9 * 8, 0, 0, 256, 1024}));
}

TEST(FlashBytes, CountsWeightsBiasesAndScalesOfTheFoldedNetwork) {
  ir::Network network = small_network();
  const double conv = 72 + 8 * 4, depthwise = 36 + 8 * 4, linear = 20 + 8 * 5;
  EXPECT_EQ(predict("flash_bytes", network).value, conv + depthwise + linear);
  EXPECT_EQ(predict("flash_bytes", network).per_layer[0], conv);
  network.layers[0].precision.weight_bits = 3;
  EXPECT_EQ(predict("flash_bytes", network).per_layer[0], 27 + 8 * 4);
  network.layers[0].precision.weight_bits = 32;
  EXPECT_EQ(predict("flash_bytes", network).per_layer[0], 4 * 72 + 4 * 4) << "float: bias only";
  network.layers[3].precision.weight_bits = 32;
  EXPECT_EQ(predict("flash_bytes", network).per_layer[3], 4 * 36) << "float without bias";
}

TEST(ExactMetrics, AreThoseOfTheIntermediateRepresentation) {
  const ir::Network network = testing::mobilenet_v1(1, 96, 2);
  EXPECT_EQ(predict("macs", network).value, static_cast<double>(ir::macs(network)));
  EXPECT_EQ(predict("parameters", network).value, static_cast<double>(ir::parameters(network)));
  EXPECT_EQ(predict("macs", network).origin, Origin::kExact);
}

TEST(CostModels, AnUnknownMetricIsRefusedWithTheKnownOnes) {
  try {
    predict("latency", small_network());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("latency_ms"));
  }
}

TEST(Deployment, KnowsWhichGivenLayerEachDeployedOneIs) {
  const ir::Network network = testing::nasbench201("301204", 1);
  const Deployment deployed = deploy(network);
  EXPECT_LT(deployed.network.layers.size(), network.layers.size());
  for (std::size_t i = 0; i < deployed.origin.size(); ++i) {
    EXPECT_EQ(deployed.network.layers[i].name, network.layers[deployed.origin[i]].name);
  }
}

}  // namespace
}  // namespace hwnas::estimators
