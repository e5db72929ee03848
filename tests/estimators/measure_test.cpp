#include "estimators/measure.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
#include <cmath>
#include <thread>

#include "core/error.hpp"

namespace hwnas::estimators {
namespace {

const MeasureOptions kQuick{
    .warm_up_runs = 2, .min_runs = 9, .min_seconds = 0, .max_seconds = 0.05};

void sleep_for_a_millisecond() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(Measure, MedianIsTheTimeOfOneInference) {
  const LatencyMeasurement measured = measure_latency(sleep_for_a_millisecond, kQuick);
  EXPECT_GE(measured.median_ms, 1);
  EXPECT_LT(measured.median_ms, 20);
  EXPECT_GE(measured.mad_ms, 0);
}

TEST(Measure, WarmsUpAndThenKeepsEveryRun) {
  int calls = 0;
  const LatencyMeasurement measured = measure_latency([&] { ++calls; }, kQuick);
  EXPECT_GE(measured.runs, 9);
  EXPECT_EQ(measured.runs, static_cast<int>(measured.runs_ms.size()));
  EXPECT_GE(calls, measured.runs + 2);
}

TEST(Measure, CountsOutliersButKeepsThem) {
  int calls = 0;
  const auto one_in_forty_is_slow = [&] {
    if (++calls % 40 == 0) sleep_for_a_millisecond();
  };
  MeasureOptions options = kQuick;
  options.min_runs = 200;
  const LatencyMeasurement measured = measure_latency(one_in_forty_is_slow, options);
  EXPECT_GE(measured.outliers, 4);
  EXPECT_LT(measured.median_ms, 0.5);
}

TEST(Measure, StopsAtTheTimeLimit) {
  MeasureOptions options = kQuick;
  options.min_runs = 1'000'000;
  const LatencyMeasurement measured = measure_latency(sleep_for_a_millisecond, options);
  EXPECT_GE(measured.runs, 1);
  EXPECT_LT(measured.runs, 200);
}

TEST(Measure, RestoresTheThreadsProcessors) {
  cpu_set_t before, inside, after;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  MeasureOptions options = kQuick;
  for (options.pinned_cpu = 0; !CPU_ISSET(options.pinned_cpu, &before);) ++options.pinned_cpu;
  measure_latency([&] { sched_getaffinity(0, sizeof inside, &inside); }, options);
  ASSERT_EQ(sched_getaffinity(0, sizeof after, &after), 0);
  EXPECT_EQ(CPU_COUNT(&inside), 1);
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
}

TEST(Measure, RefusesProcessorsThatAreNotThereAndEmptyProtocols) {
  MeasureOptions options = kQuick;
  options.pinned_cpu = 1'000'000;
  EXPECT_THROW(measure_latency([] {}, options), Error);
  options = kQuick;
  options.min_runs = 0;
  EXPECT_THROW(measure_latency([] {}, options), Error);
}

TEST(Measure, SummarizesByMedianMadAndTheIntervalOfOrderStatistics) {
  std::vector<double> runs;
  for (int i = 1; i <= 25; ++i) runs.push_back(100 + i);
  runs[0] = 1000;  // instead of 101
  const LatencyMeasurement summary = summarize(runs);
  EXPECT_EQ(summary.runs, 25);
  EXPECT_DOUBLE_EQ(summary.median_ms, 114);
  EXPECT_DOUBLE_EQ(summary.mad_ms, 6);
  EXPECT_EQ(summary.outliers, 1);
  // Ranks floor(12.5 - 4.9) and ceil(12.5 + 4.9), from 0: 109 and 120.
  EXPECT_DOUBLE_EQ(summary.relative_interval, (120. - 109) / 2 / 114);
  EXPECT_EQ(summary.runs_ms, runs);
}

TEST(Measure, HasNoIntervalOfFewRuns) {
  EXPECT_TRUE(std::isinf(summarize({1, 1, 1, 1, 1}).relative_interval));
  EXPECT_DOUBLE_EQ(summarize({1, 1, 1, 1, 1, 1}).relative_interval, 0);
}

}  // namespace
}  // namespace hwnas::estimators
