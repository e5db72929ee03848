#include "estimators/rate_correction.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "device_files.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

std::vector<ir::Network> random_networks(int count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<ir::Network> networks;
  for (int i = 0; i < count; ++i) networks.push_back(testing::random_network(12, rng));
  return networks;
}

/// A device whose kernels take other times than its profile says.
class OtherDevice {
 public:
  OtherDevice(double weights, double elementwise, double fixed_ms)
      : weights_(weights), elementwise_(elementwise), fixed_ms_(fixed_ms) {}

  Estimate predicted(const ir::Network& network) const { return model_->predict(network); }

  double measured(const ir::Network& network) const {
    const Estimate estimate = predicted(network);
    const Deployment deployed = deploy(network);
    const std::vector<Kernel> work = kernels(deployed.network);
    double sum = fixed_ms_;
    for (std::size_t i = 0; i < work.size(); ++i) {
      const bool reads = work[i].kind == KernelClass::kElementwise;
      sum += estimate.per_layer[deployed.origin[i]] * (reads ? elementwise_ : weights_);
    }
    return sum;
  }

 private:
  double weights_;  ///< factor of kernels with weights
  double elementwise_;
  double fixed_ms_;
  std::unique_ptr<CostModel> model_ = [] {
    const DeviceProfile device = testing::device("stm32f746");
    return make_cost_model("latency_ms", device, device.runtime("tflite_micro"));
  }();
};

RateCorrection corrected_by(const OtherDevice& device, int measurements) {
  RateCorrection correction(0.2);
  for (const ir::Network& network : random_networks(measurements, 1)) {
    correction.add(network, device.predicted(network), device.measured(network));
  }
  return correction;
}

double mean_error(const OtherDevice& device, const RateCorrection& correction) {
  double sum = 0;
  const auto networks = random_networks(40, 2);
  for (const ir::Network& network : networks) {
    const double truth = device.measured(network);
    sum += std::abs(correction.correct(network, device.predicted(network)).value / truth - 1);
  }
  return sum / static_cast<double>(networks.size());
}

TEST(RateCorrection, WithoutMeasurementsLeavesTheProfileAlone) {
  const OtherDevice device(1.3, 0.6, 0);
  const ir::Network network = testing::resnet8();
  const Estimate predicted = device.predicted(network);
  const Estimate corrected = RateCorrection(0.2).correct(network, predicted);
  EXPECT_EQ(corrected.value, predicted.value);
  EXPECT_EQ(corrected.standard_deviation, predicted.standard_deviation);
}

TEST(RateCorrection, FindsTheFactorOfEachKernelClass) {
  const OtherDevice device(1.3, 0.6, 0);
  const RateCorrection correction = corrected_by(device, 12);
  EXPECT_NEAR(correction.factor(KernelClass::kPointwise), 1.3, 0.03);
  EXPECT_NEAR(correction.factor(KernelClass::kElementwise), 0.6, 0.03);
  EXPECT_LT(mean_error(device, correction), 0.01);
}

TEST(RateCorrection, FollowsADeviceThatIsManyTimesSlower) {
  const OtherDevice device(6, 4, 0);
  EXPECT_LT(mean_error(device, corrected_by(device, 8)), 0.02);
}

TEST(RateCorrection, LearnsWhatEveryInferenceCosts) {
  const OtherDevice device(1, 1, 2.0);
  EXPECT_LT(mean_error(device, corrected_by(device, 12)), 0.05);
}

TEST(RateCorrection, GetsBetterWithEachMeasurementAndSaysSo) {
  const OtherDevice device(1.3, 0.6, 0.1);
  const ir::Network network = testing::ds_cnn();
  const auto sd = [&](int measurements) {
    return corrected_by(device, measurements)
        .correct(network, device.predicted(network))
        .standard_deviation;
  };
  EXPECT_LT(mean_error(device, corrected_by(device, 3)), mean_error(device, RateCorrection(0.2)));
  EXPECT_LT(sd(16), sd(3));
  EXPECT_LT(sd(3), device.predicted(network).standard_deviation);
}

TEST(RateCorrection, LayersSumUpToTheCorrectedValue) {
  const OtherDevice device(1.3, 0.6, 0.5);
  const ir::Network network = testing::mobilenet_v1(1, 96, 2);
  const Estimate corrected = corrected_by(device, 5).correct(network, device.predicted(network));
  const double sum = std::accumulate(corrected.per_layer.begin(), corrected.per_layer.end(), 0.0);
  EXPECT_NEAR(sum, corrected.value, 1e-9 * corrected.value);
}

TEST(RateCorrection, DoesNotDependOnTheOrderOfMeasurements) {
  const OtherDevice device(1.3, 0.6, 0.5);
  auto networks = random_networks(6, 3);
  RateCorrection forward(0.2);
  RateCorrection backward(0.2);
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const ir::Network& last = networks[networks.size() - 1 - i];
    forward.add(networks[i], device.predicted(networks[i]), device.measured(networks[i]));
    backward.add(last, device.predicted(last), device.measured(last));
  }
  const ir::Network network = testing::resnet8();
  const Estimate predicted = device.predicted(network);
  EXPECT_NEAR(forward.correct(network, predicted).value, backward.correct(network, predicted).value,
              1e-9 * predicted.value);
}

}  // namespace
}  // namespace hwnas::estimators
