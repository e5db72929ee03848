#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "measurement/measurement.hpp"

namespace hwnas::measurement {

/// How long a program is to time itself.
struct TimingOptions {
  int warm_up_runs = 10;  ///< at least; then until three medians of five runs agree
  int min_runs = 30;
  double min_seconds = 0.2;
  double max_seconds = 10;          ///< of warm-up and runs together
  double relative_interval = 0.01;  ///< runs go on until the median is known so well
  int cpu = -1;                     ///< to be bound to; -1: to none
};

/// Source of a program (C99 with POSIX and Linux) that times the C export `model_name`. Timing
/// programs take WARM_UP_RUNS MIN_RUNS MIN_SECONDS MAX_SECONDS RELATIVE_INTERVAL CPU and print, a
/// line each, "cpu N" if they are bound to it, "warm_up_runs N", "inferences_a_run N", and for each
/// run "run_ns X", the time of one inference. They end with 0, or 3 if the network fails.
std::string timing_source(const std::string& model_name);

/// The program's arguments.
std::vector<std::string> timing_arguments(const TimingOptions& options);

/// Puts what a timing program printed into the record, which is kRubbish with a reason if anything
/// else is in it.
Measurement with_timings(Measurement measurement, std::string_view output);

}  // namespace hwnas::measurement
