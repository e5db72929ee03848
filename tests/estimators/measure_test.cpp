#include "estimators/measure.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <chrono>
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

}  // namespace
}  // namespace hwnas::estimators
