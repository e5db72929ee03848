#include "measurement/timing_program.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "exporters/c.hpp"
#include "exporters/c_header.hpp"
#include "exporters/c_text.hpp"
#include "measurement/runner_tools.hpp"

namespace hwnas::measurement {

namespace {

// Runs so short that reading the clock (some 25 ns) would count are timed several at a time. The
// interval is estimators::summarize's.
constexpr std::string_view kTimingSource = R"(#define _GNU_SOURCE
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "@name@.h"

enum { MAX_RUNS = 20000, STABLE_MEDIANS = 3, RUNS_A_MEDIAN = 5 };
static const double SHORTEST_RUN_NS = 20000;
static const double WARM_UP_SHARE = 0.2; /* of max_seconds, where runs never become stable */

static double runs[MAX_RUNS], sorted[MAX_RUNS];
static long inferences = 1;

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static double run_ns(void) {
  static int8_t output[@NAME@_OUTPUT_BYTES];
  for (long i = 0; i < @NAME@_INPUT_BYTES; i++) @id@_input()[i] = (int8_t)(37 * i);
  const double start = now_ns();
  for (long i = 0; i < inferences; i++) {
    if (@id@_run(@id@_input(), output) != 0) exit(3);
  }
  return (now_ns() - start) / (double)inferences;
}

static int by_value(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(long count) {
  memcpy(sorted, runs, (size_t)count * sizeof *runs);
  qsort(sorted, (size_t)count, sizeof *sorted, by_value);
  return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static double relative_interval(long count) {
  const double middle = median(count);
  const double half = 0.98 * sqrt((double)count);
  const double low = floor((double)count / 2 - half), high = ceil((double)count / 2 + half);
  if (count < 6) return INFINITY;
  return (sorted[high > (double)count - 1 ? count - 1 : (long)high] -
          sorted[low < 0 ? 0 : (long)low]) / 2 / middle;
}

static long warm_up(long warm_up_runs, double until) {
  double medians[STABLE_MEDIANS] = {0};
  long done = 0, groups = 0;
  for (; done < warm_up_runs; done++) runs[0] = run_ns();
  if (done == 0) runs[0] = run_ns();
  while (runs[0] * (double)inferences < SHORTEST_RUN_NS) inferences *= 2;
  while (now_ns() < until) {
    for (long i = 0; i < RUNS_A_MEDIAN; i++, done++) runs[i] = run_ns();
    medians[groups++ % STABLE_MEDIANS] = median(RUNS_A_MEDIAN);
    const double low = fmin(fmin(medians[0], medians[1]), medians[2]);
    const double high = fmax(fmax(medians[0], medians[1]), medians[2]);
    if (groups >= STABLE_MEDIANS && high - low <= 0.01 * high) break;
  }
  return done;
}

static void bind_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0 && cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  if (cpu >= 0 && sched_setaffinity(0, sizeof set, &set) == 0) printf("cpu %d\n", cpu);
}

int main(int count, char **arguments) {
  if (count != 7) return 2;
  bind_to(atoi(arguments[6]));
  const double start = now_ns(), end = start + 1e9 * atof(arguments[4]);
  const double settled = start + WARM_UP_SHARE * (end - start);
  printf("warm_up_runs %ld\n", warm_up(atol(arguments[1]), settled));
  const double measuring = now_ns();
  long done = 0, next_check = atol(arguments[2]);
  while (done < MAX_RUNS && (done == 0 || now_ns() < end)) {
    runs[done++] = run_ns();
    if (done < next_check || now_ns() - measuring < 1e9 * atof(arguments[3])) continue;
    if (relative_interval(done) <= atof(arguments[5])) break;
    next_check = done + done / 4 + 1;
  }
  printf("inferences_a_run %ld\n", inferences);
  for (long i = 0; i < done; i++) printf("run_ns %.3f\n", runs[i]);
  return 0;
}
)";

}  // namespace

std::string timing_source(const std::string& model_name) {
  const std::string id = exporters::c_identifier(model_name);
  return exporters::fill(kTimingSource,
                         {{"name", model_name}, {"id", id}, {"NAME", exporters::upper_case(id)}});
}

std::vector<std::string> timing_arguments(const TimingOptions& options) {
  return {fmt::format("{}", options.warm_up_runs),      fmt::format("{}", options.min_runs),
          fmt::format("{}", options.min_seconds),       fmt::format("{}", options.max_seconds),
          fmt::format("{}", options.relative_interval), fmt::format("{}", options.cpu)};
}

Measurement with_timings(Measurement measurement, std::string_view output) {
  std::vector<double> runs_ms;
  while (!output.empty()) {
    const std::string_view line = output.substr(0, output.find('\n'));
    output.remove_prefix(std::min(line.size() + 1, output.size()));
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string_view key = line.substr(0, space);
    const std::string_view value = line.substr(std::min(space + 1, line.size()));
    const auto number = parse_number(value);
    const auto count = parse_integer(value);
    const bool is_count = count && *count >= 0 && *count < 1'000'000'000;
    if (key == "run_ns" && number && *number > 0) {
      runs_ms.push_back(*number / 1e6);
    } else if (key == "cpu" && is_count) {
      measurement.environment.pinned_cpu = static_cast<int>(*count);
    } else if (key == "warm_up_runs" && is_count) {
      measurement.warm_up_runs = static_cast<int>(*count);
    } else if (key == "inferences_a_run" && is_count && *count > 0) {
      measurement.inferences_a_run = static_cast<int>(*count);
    } else {
      return failed(std::move(measurement), Status::kRubbish,
                    fmt::format("no line of a timing program: {}", in_quotes(line)));
    }
  }
  if (runs_ms.empty()) {
    return failed(std::move(measurement), Status::kRubbish, "the timing program printed no runs");
  }
  measurement.status = Status::kOk;
  measurement.latency = estimators::summarize(std::move(runs_ms));
  return measurement;
}

}  // namespace hwnas::measurement
