#pragma once

#include <functional>
#include <vector>

namespace hwnas::estimators {

/// Protocol of a latency measurement.
struct MeasureOptions {
  int warm_up_runs = 10;
  int min_runs = 30;
  double min_seconds = 0.2;
  double max_seconds = 10;
  int pinned_cpu = -1;  ///< pin the calling thread to this processor while measuring; -1: do not
};

/// Median and median absolute deviation over the repeats, in ms; outliers further than 5 MAD from
/// the median are counted but kept in the list.
struct LatencyMeasurement {
  double median_ms = 0;
  double mad_ms = 0;
  int runs = 0;
  int outliers = 0;
  /// Half the width of the median's 95 % interval over the median; infinity below 6 runs, which
  /// have none.
  double relative_interval = 0;
  std::vector<double> runs_ms = {};

  /// From the MAD, as of normal noise.
  double standard_deviation_ms() const { return 1.4826 * mad_ms; }
};

/// What is said of repeats, at least one. The interval is that between order statistics, which
/// assumes nothing about the distribution (Conover, "Practical Nonparametric Statistics", 3rd ed.,
/// section 3.2, with the normal approximation of the binomial).
LatencyMeasurement summarize(std::vector<double> runs_ms);

/// Times `inference` (one complete inference a call) on this thread. Restores the thread's
/// affinity.
LatencyMeasurement measure_latency(const std::function<void()>& inference,
                                   const MeasureOptions& options = {});

}  // namespace hwnas::estimators
