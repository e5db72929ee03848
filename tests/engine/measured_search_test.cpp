#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>

#include "engine/costs.hpp"
#include "engine/device_measurer.hpp"
#include "engine/front.hpp"
#include "engine/pipeline.hpp"
#include "engine/store.hpp"
#include "tests/engine/fake_training.hpp"
#include "tests/engine/sample_run.hpp"

namespace hwnas::engine {
namespace {

using estimators::Origin;
using testing::HasSubstr;

/// A device whose latency is a microsecond a byte of the C export's text, and which refuses what is
/// longer than `most_bytes`.
std::vector<std::string> with_device(const TemporaryFolder& folder, int most_bytes, int every) {
  const auto script = folder.write("device.sh", fmt::format(R"(#!/bin/sh
bytes=$(wc -c < "$1")
if [ "$bytes" -gt {} ]; then echo "out of memory"; exit 1; fi
echo "took $bytes us"
)",
                                                            most_bytes));
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  return {
      "finalists.count=0", "export=[]",
      fmt::format("measurement={{ with: {{ runner: command, command: [ '{}', '{{artifact}}' ], "
                  "pattern: 'took ([0-9]+) us', unit: us, refusal: 'out of memory' }}, every: {} "
                  "}}",
                  script.string(), every)};
}

constexpr int kEverything = 1'000'000;

const report::MetricValue* find_latency(const TrialRecord& trial, bool measured) {
  for (const report::MetricValue& metric : trial.metrics) {
    if (metric.name == "latency_ms" && (metric.origin == Origin::kMeasured) == measured) {
      return &metric;
    }
  }
  return nullptr;
}

TEST(MeasuredSearch, EndsWithAFrontOfMeasuredNetworks) {
  const TemporaryFolder folder;
  const Experiment experiment =
      Experiment::load(write_wave_experiment(folder), with_device(folder, kEverything, 2));
  start_run(experiment, {.folder = folder / "run"}, fake_training());
  const std::vector<TrialRecord> trials = StoreReader(folder / "run").trials();
  const search::ParetoArchive front = pareto_front(experiment, trials);
  ASSERT_GE(front.points().size(), 2U);
  for (const search::ParetoPoint& point : front.points()) {
    const TrialRecord& trial = trials[point.id];
    ASSERT_NE(find_latency(trial, true), nullptr) << point.id;
    EXPECT_EQ(point.objectives[1], find_latency(trial, true)->value);
    EXPECT_EQ(trial.measurement->runner, "command");
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "run" / "measurements" / "trial_0"));
}

TEST(MeasuredSearch, PredictsBetterAfterItHasMeasured) {
  const TemporaryFolder folder;
  const Experiment experiment =
      Experiment::load(write_wave_experiment(folder), with_device(folder, kEverything, 1));
  start_run(experiment, {.folder = folder / "run"}, fake_training());
  // The device is many times slower than its profile, and hardly depends on the network.
  std::vector<double> errors;
  for (const TrialRecord& trial : StoreReader(folder / "run").trials()) {
    const report::MetricValue* const measured = find_latency(trial, true);
    if (measured == nullptr) continue;
    errors.push_back(std::abs(find_latency(trial, false)->value / measured->value - 1));
  }
  ASSERT_GE(errors.size(), 4U);
  EXPECT_GT(errors.front(), 0.5);
  EXPECT_LT(errors.back(), 0.25 * errors.front());
}

TEST(MeasuredSearch, PredictsEnergyInProportionToTheCorrectedLatency) {
  const TemporaryFolder folder;
  const Experiment experiment = Experiment::load(write_wave_experiment(folder), {});
  const auto space = spaces::make_space(experiment.space, {{1, 1, 32}, 3});
  Rng rng(1);
  const ir::Network network = space->decode(spaces::sample(*space, rng));
  const auto value = [&](const Costs& costs, const char* name) {
    return *std::ranges::find(costs.metrics, name, &report::MetricValue::name);
  };
  CostModels costs(experiment);
  const Costs before = costs.predict(network);
  const CostModels profile(experiment);
  for (int i = 0; i < 6; ++i) {
    const ir::Network other = space->decode(spaces::sample(*space, rng));
    costs.learn(other, 3 * value(profile.predict(other), "latency_ms").value);
  }
  const Costs after = costs.predict(network);
  const double factor = value(after, "latency_ms").value / value(before, "latency_ms").value;
  EXPECT_GT(factor, 2);
  EXPECT_NEAR(value(after, "energy_mj").value / value(before, "energy_mj").value, factor, 1e-9);
  const auto relative_sd = [&](const Costs& of) {
    return value(of, "energy_mj").standard_deviation / value(of, "energy_mj").value;
  };
  EXPECT_LT(relative_sd(after), relative_sd(before));
  EXPECT_GE(relative_sd(after), experiment.device.power_relative_sd.value);
}

TEST(MeasuredSearch, IsTheSameWhenInterruptedAfterEveryTrial) {
  const TemporaryFolder folder;
  const Experiment experiment =
      Experiment::load(write_wave_experiment(folder), with_device(folder, kEverything, 2));
  start_run(experiment, {.folder = folder / "unbroken"}, fake_training());
  const auto run = folder / "broken";
  const int attempts = run_interrupted_after_every_message(experiment, run, fake_training());
  EXPECT_GT(attempts, 4);
  EXPECT_EQ(history_of(run), history_of(folder / "unbroken"));
}

TEST(MeasuredSearch, LeavesOutWhatTheDeviceRefuses) {
  const TemporaryFolder folder;
  constexpr int kMostBytes = 16'000;
  const Experiment experiment =
      Experiment::load(write_wave_experiment(folder), with_device(folder, kMostBytes, 2));
  start_run(experiment, {.folder = folder / "run"}, fake_training());
  int refused = 0;
  for (const report::TrialSummary& trial : summarise_run(folder / "run").trials) {
    if (trial.reason.find("measurement refused") == std::string::npos) continue;
    ++refused;
    EXPECT_FALSE(trial.on_front);
    EXPECT_THAT(trial.reason, HasSubstr("out of memory"));
  }
  EXPECT_GT(refused, 0);
}

TEST(MeasuredSearch, TellsTheStrategyThatAMeasuredLimitIsBroken) {
  const TemporaryFolder folder;
  auto sets = with_device(folder, kEverything, 1);
  sets.emplace_back("limits={ latency_ms: 14 }");
  const Experiment experiment = Experiment::load(write_wave_experiment(folder), sets);
  start_run(experiment, {.folder = folder / "run"}, fake_training());
  const std::vector<TrialRecord> trials = StoreReader(folder / "run").trials();
  int broken = 0;
  for (const TrialRecord& trial : trials)
    broken += measured_violation(experiment.limits, trial) > 0;
  EXPECT_GT(broken, 0);
  const search::ParetoArchive front = pareto_front(experiment, trials);
  for (const search::ParetoPoint& point : front.points()) {
    EXPECT_LE(point.objectives[1], 14);
  }
}

}  // namespace
}  // namespace hwnas::engine
