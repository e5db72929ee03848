#include "estimators/latency_model.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "core/error.hpp"
#include "core/sha256.hpp"
#include "device_files.hpp"
#include "networks.hpp"

namespace hwnas::estimators {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<CostModel> profile_rates() {
  const DeviceProfile device = testing::device("stm32f746");
  return make_cost_model("latency_ms", device, device.runtime("tflite_micro"));
}

/// Random networks on a device that takes `true_ms` for what its profile says.
template <typename TrueMs>
std::vector<MeasuredNetwork> measured(int count, std::uint64_t seed, TrueMs true_ms) {
  const auto rates = profile_rates();
  Rng rng(seed);
  std::vector<MeasuredNetwork> networks;
  for (int i = 0; i < count; ++i) {
    const ir::Network network = testing::random_network(6 + static_cast<int>(rng.index(20)), rng);
    const Estimate profile = rates->predict(network);
    networks.push_back({network, profile, true_ms(network, profile)});
  }
  return networks;
}

double twice_as_slow(const ir::Network&, const Estimate& profile) {
  return 2 * profile.value;
}

/// A device on which the profile's rates mean nothing, but the number of kernels does.
double by_kernels(const ir::Network& network, const Estimate&) {
  double count = 1;
  for (const Kernel& kernel : kernels(network)) count += kernel.kind != KernelClass::kNone;
  return 0.01 * count;
}

TEST(LatencyModel, CorrectsTheRatesWhereThatIsAllThereIsToLearn) {
  const auto learned = measured(12, 1, twice_as_slow);
  const auto held_back = measured(10, 2, twice_as_slow);
  const LatencyModel model = fit_latency_model(learned, held_back, 0.2);
  EXPECT_EQ(model.name(), "rates");
  EXPECT_EQ(model.quality().networks, 12);
  EXPECT_EQ(model.quality().held_back, 10);
  EXPECT_NEAR(model.quality().agreement.within_5, 1, 1e-9);
}

TEST(LatencyModel, TakesARegressorWhereTheRatesDoNotExplainTheDevice) {
  const auto learned = measured(40, 1, by_kernels);
  const auto held_back = measured(20, 2, by_kernels);
  const LatencyModel model = fit_latency_model(learned, held_back, 0.2);
  EXPECT_NE(model.name(), "rates");
  EXPECT_LT(model.quality().agreement.mape, 0.05);
}

TEST(LatencyModel, CorrectsTheRatesOfOneNetworkAndNeedsNobodyToJudge) {
  const auto learned = measured(1, 1, twice_as_slow);
  const LatencyModel model = fit_latency_model(learned, {}, 0.2);
  EXPECT_EQ(model.name(), "rates");
  EXPECT_EQ(model.quality().held_back, 0);
  EXPECT_TRUE(std::isnan(model.quality().agreement.mape));
  EXPECT_EQ(LatencyModel::from_text(model.to_text()).to_text(), model.to_text());
  const auto seen = learned.front();
  EXPECT_NEAR(model.predict(seen.network, seen.profile).value / seen.measured_ms, 1, 0.2);
}

TEST(LatencyModel, ReadsBackFromItsTextAsItWas) {
  for (const auto& device : {twice_as_slow, by_kernels}) {
    const auto learned = measured(35, 1, device);
    const auto held_back = measured(5, 2, device);
    const LatencyModel model = fit_latency_model(learned, held_back, 0.2);
    const LatencyModel copy = LatencyModel::from_text(model.to_text());
    EXPECT_EQ(copy.name(), model.name());
    EXPECT_EQ(copy.to_text(), model.to_text());
    for (const MeasuredNetwork& each : held_back) {
      const Estimate estimate = model.predict(each.network, each.profile);
      const Estimate again = copy.predict(each.network, each.profile);
      EXPECT_EQ(again.value, estimate.value);
      EXPECT_EQ(again.standard_deviation, estimate.standard_deviation);
    }
  }
}

TEST(LatencyModel, LayersSumUpWhateverItLearnedWith) {
  for (const auto& device : {twice_as_slow, by_kernels}) {
    const auto learned = measured(35, 1, device);
    const auto held_back = measured(5, 2, device);
    const LatencyModel model = fit_latency_model(learned, held_back, 0.2);
    for (const MeasuredNetwork& each : held_back) {
      const Estimate estimate = model.predict(each.network, each.profile);
      const double sum = std::accumulate(estimate.per_layer.begin(), estimate.per_layer.end(), 0.0);
      EXPECT_NEAR(sum, estimate.value, 1e-9 * estimate.value);
    }
  }
}

TEST(LatencyModel, IsWhatTheDevicesLatencyAndEnergyArePredictedWith) {
  DeviceProfile device = testing::device("stm32f746");
  RuntimeProfile runtime = device.runtime("tflite_micro");
  const LatencyModel model =
      fit_latency_model(measured(12, 1, twice_as_slow), measured(5, 2, twice_as_slow), 0.2);
  runtime.latency_model_file = {"x.latency.json", sha256(model.to_text()), "a test"};
  const ir::Network network = testing::random_network(12, *std::make_unique<Rng>(7));
  const double latency = make_cost_model("latency_ms", device, runtime)->predict(network).value;
  const double energy = make_cost_model("energy_mj", device, runtime)->predict(network).value;
  set_latency_model(runtime, model.to_text());
  EXPECT_NEAR(make_cost_model("latency_ms", device, runtime)->predict(network).value / latency, 2,
              0.05);
  EXPECT_NEAR(make_cost_model("energy_mj", device, runtime)->predict(network).value / energy, 2,
              0.05);
}

TEST(LatencyModel, RefusesAnotherFileThanTheDeviceNames) {
  RuntimeProfile runtime = testing::device("stm32f746").runtime("tflite_micro");
  runtime.latency_model_file = {"x.latency.json", sha256("what was measured"), "a test"};
  try {
    set_latency_model(runtime, "something else");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kFailedPrecondition);
    EXPECT_THAT(error.what(), HasSubstr("x.latency.json"));
  }
}

TEST(LatencyModel, SaysWhatIsWrongWithATextThatIsNone) {
  for (const std::string text : {"", "{}", "[1]", R"({"hwnas_latency_model": 9})",
                                 R"({"hwnas_latency_model": 1, "rates": {"relative_sd": 0}})"}) {
    EXPECT_THROW(LatencyModel::from_text(text), Error) << text;
  }
}

}  // namespace
}  // namespace hwnas::estimators
