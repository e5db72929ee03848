#include "estimators/measure.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>

#include "core/error.hpp"
#include "estimators/rank_statistics.hpp"

namespace hwnas::estimators {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kOutlierMads = 5;
constexpr int kStableMedians = 3;
constexpr double kStableWithin = 0.01;
constexpr int kRunsPerMedian = 5;
constexpr double kWarmUpShare = 0.2;  // of max_seconds, where the runs never become stable

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// Half the width of the median's 95 % interval over the median; infinity where there is none.
double relative_interval(std::vector<double> values) {
  constexpr std::size_t kFewestValues = 6;  // 1 - 2 / 2^6 is the first to be over 95 %
  constexpr double kHalfNormal95 = 0.98;    // 1.96 times a standard deviation of sqrt(n) / 2
  if (values.size() < kFewestValues) return std::numeric_limits<double>::infinity();
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  const double half = kHalfNormal95 * std::sqrt(count);
  const auto low = static_cast<std::size_t>(std::max(0.0, std::floor(count / 2 - half)));
  const auto high = static_cast<std::size_t>(std::min(count - 1, std::ceil(count / 2 + half)));
  return (values[high] - values[low]) / 2 / median(values);
}

/// Pins the calling thread for the lifetime of the object.
class PinnedThread {
 public:
  explicit PinnedThread(int cpu) {
    if (cpu < 0) return;
    cpu_set_t target;
    CPU_ZERO(&target);
    if (cpu < CPU_SETSIZE) CPU_SET(cpu, &target);
    int failure = pthread_getaffinity_np(pthread_self(), sizeof(previous_), &previous_);
    if (failure == 0) failure = pthread_setaffinity_np(pthread_self(), sizeof(target), &target);
    if (failure != 0) {
      throw invalid_argument("cannot pin the measurement to processor {}: {}", cpu,
                             std::strerror(failure));
    }
    pinned_ = true;
  }
  ~PinnedThread() {
    if (pinned_) pthread_setaffinity_np(pthread_self(), sizeof(previous_), &previous_);
  }
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;

 private:
  bool pinned_ = false;
  cpu_set_t previous_;
};

double time_once(const std::function<void()>& inference) {
  const Clock::time_point start = Clock::now();
  inference();
  return milliseconds_since(start);
}

/// Runs until caches, clock and allocator have settled: `warm_up_runs`, then until the medians of
/// three successive groups of runs agree.
void warm_up(const std::function<void()>& inference, const MeasureOptions& options,
             Clock::time_point start) {
  for (int run = 0; run < options.warm_up_runs; ++run) inference();
  std::deque<double> medians;
  while (milliseconds_since(start) < options.max_seconds * 1e3 * kWarmUpShare) {
    std::vector<double> runs;
    for (int run = 0; run < kRunsPerMedian; ++run) runs.push_back(time_once(inference));
    medians.push_back(median(std::move(runs)));
    if (medians.size() > kStableMedians) medians.pop_front();
    const auto [low, high] = std::minmax_element(medians.begin(), medians.end());
    if (medians.size() == kStableMedians && *high - *low <= kStableWithin * *high) return;
  }
}

}  // namespace

LatencyMeasurement measure_latency(const std::function<void()>& inference,
                                   const MeasureOptions& options) {
  if (options.min_runs < 1 || options.warm_up_runs < 0 || !(options.max_seconds > 0) ||
      !(options.min_seconds >= 0)) {
    throw invalid_argument(
        "latency measurement: min_runs {}, warm_up_runs {}, min_seconds {}, max_seconds {}; they "
        "must be at least 1, 0, 0 and more than 0",
        options.min_runs, options.warm_up_runs, options.min_seconds, options.max_seconds);
  }
  const PinnedThread pinned(options.pinned_cpu);
  const Clock::time_point start = Clock::now();
  warm_up(inference, options, start);

  std::vector<double> runs_ms;
  const Clock::time_point measuring = Clock::now();
  do {
    runs_ms.push_back(time_once(inference));
    if (milliseconds_since(start) >= options.max_seconds * 1e3) break;
  } while (std::ssize(runs_ms) < options.min_runs ||
           milliseconds_since(measuring) < options.min_seconds * 1e3);
  return summarize(std::move(runs_ms));
}

LatencyMeasurement summarize(std::vector<double> runs_ms) {
  LatencyMeasurement result;
  result.runs = static_cast<int>(runs_ms.size());
  result.relative_interval = relative_interval(runs_ms);
  result.runs_ms = std::move(runs_ms);
  result.median_ms = median(result.runs_ms);
  std::vector<double> deviations;
  for (const double run : result.runs_ms) deviations.push_back(std::abs(run - result.median_ms));
  result.mad_ms = median(deviations);
  for (const double deviation : deviations) {
    result.outliers += deviation > kOutlierMads * result.mad_ms ? 1 : 0;
  }
  return result;
}

}  // namespace hwnas::estimators
