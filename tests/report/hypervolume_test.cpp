#include <gtest/gtest.h>

#include <algorithm>

#include "report/report.hpp"
#include "tests/report/sample_run.hpp"

namespace hwnas::report {
namespace {

RunSummary two_objectives(const std::vector<std::pair<double, double>>& points) {
  RunSummary run;
  run.objectives = {{"val_top1", true}, {"latency_ms", false}};
  for (const auto& [top1, latency] : points) {
    TrialSummary trial;
    trial.id = run.trials.size();
    trial.state = search::TrialState::kComplete;
    trial.metrics = {{"val_top1", top1, 0, estimators::Origin::kMeasured},
                     {"latency_ms", latency, 0, estimators::Origin::kPredicted}};
    run.trials.push_back(trial);
  }
  return run;
}

TEST(HypervolumeCurve, NeverDecreases) {
  const HypervolumeCurve curve = hypervolume_curve(sample::finished_run());
  ASSERT_EQ(curve.values.size(), 48U);
  EXPECT_TRUE(std::ranges::is_sorted(curve.values));
  EXPECT_GT(curve.values.back(), curve.values.front());
}

TEST(HypervolumeCurve, EqualsAreasWorkedByHand) {
  // Minimised: (-90, 10), (-80, 5). Reference: -80 + 10/10 = -79 and 10 + 5/10 = 10.5.
  const HypervolumeCurve curve = hypervolume_curve(two_objectives({{90, 10}, {80, 5}}));
  ASSERT_EQ(curve.reference.size(), 2U);
  EXPECT_DOUBLE_EQ(curve.reference[0], -79);
  EXPECT_DOUBLE_EQ(curve.reference[1], 10.5);
  ASSERT_EQ(curve.values.size(), 2U);
  EXPECT_DOUBLE_EQ(curve.values[0], 11 * 0.5);
  EXPECT_DOUBLE_EQ(curve.values[1], 11 * 0.5 + 1 * 5);
}

TEST(HypervolumeCurve, CountsCompleteTrialsOnly) {
  RunSummary run = two_objectives({{90, 10}, {80, 5}, {99, 1}});
  run.trials[2].state = search::TrialState::kStopped;
  const HypervolumeCurve curve = hypervolume_curve(run);
  EXPECT_EQ(curve.values[2], curve.values[1]);
  EXPECT_DOUBLE_EQ(curve.reference[1], 10.5);
}

TEST(HypervolumeCurve, IsEmptyWhereThereIsNothingToMeasure) {
  EXPECT_TRUE(hypervolume_curve(sample::empty_run()).values.empty());
  EXPECT_TRUE(hypervolume_curve(sample::all_infeasible_run()).values.empty());
  RunSummary run = two_objectives({{90, 10}});
  run.objectives.insert(run.objectives.end(), 2, {"energy_mj", false});
  EXPECT_TRUE(hypervolume_curve(run).values.empty());
}

}  // namespace
}  // namespace hwnas::report
