#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/run_summary.hpp"

namespace hwnas::report {

/// How a metric is written. Read off the end of its name, which is its unit ("latency_ms").
struct MetricStyle {
  std::string name;       ///< "flash_bytes"
  std::string label;      ///< "flash"
  std::string unit;       ///< "B"; empty for counts
  bool prefixed = false;  ///< with a decimal prefix: k, M, G
  bool percent = false;   ///< two decimals
};
MetricStyle metric_style(std::string_view name);

/// "62.4 kB", "3.12 ms", "91.25 %", "12.4 M"; "–" if not finite.
std::string format_value(const MetricStyle& style, double value);

/// "4.99 ± 0.74 mJ": the interval with two digits, the value with no fewer decimals. The same as
/// format_value where `half` is 0.
std::string format_with_interval(const MetricStyle& style, double value, double half);

/// One unit for a whole axis that reaches up to `largest`: values are divided by `divisor`.
struct AxisUnit {
  double divisor = 1;
  std::string unit;
};
AxisUnit axis_unit(const MetricStyle& style, double largest);

/// Of several values of a metric the measured before the emulated, the predicted, the exact one;
/// nullptr if there is none that is finite.
const MetricValue* best_known(std::span<const MetricValue> metrics, std::string_view name);
const MetricValue* with_origin(std::span<const MetricValue> metrics, std::string_view name,
                               estimators::Origin origin);

/// Half of the 90 % interval of a normal distribution.
inline constexpr double kDeviationsOf90Percent = 1.645;
double half_interval(const MetricValue& value);

std::string format_with_interval(const MetricValue& value);

/// The objectives' and the limits' metrics, each once.
std::vector<std::string> goal_names(const RunSummary& run);
/// Every metric of the run: the objectives, the limits, then the others as they first occur.
std::vector<std::string> metric_names(const RunSummary& run);

/// What the scatter plot shows first: the second objective across and the first up. Metrics without
/// a value are passed over; while no trial is complete the limits come first, for they are why.
struct Axes {
  std::string x;
  std::string y;
};
std::optional<Axes> front_axes(const RunSummary& run);

/// +1: to be maximised; −1: to be minimised (objectives and limits); 0: neither.
int direction(const RunSummary& run, std::string_view metric);
const LimitSpec* limit_of(const RunSummary& run, std::string_view metric);

std::size_t count_trials(const RunSummary& run, search::TrialState state);
/// The exported one, or nullptr.
const FinalistSummary* chosen_finalist(const RunSummary& run);
/// nullptr if no trial has the id.
const TrialSummary* find_trial(const RunSummary& run, std::uint64_t id);

}  // namespace hwnas::report
