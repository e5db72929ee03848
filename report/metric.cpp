#include "report/metric.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/text.hpp"

namespace hwnas::report {

namespace {

struct UnitEnding {
  std::string_view ending;
  std::string_view unit;
  bool prefixed = false;
  bool percent = false;
};

constexpr std::array kUnitEndings = {
    UnitEnding{"_bytes", "B", true},
    UnitEnding{"_ms", "ms"},
    UnitEnding{"_us", "µs"},
    UnitEnding{"_seconds", "s"},
    UnitEnding{"_mj", "mJ"},
    UnitEnding{"_mw", "mW"},
    UnitEnding{"_top1", "%", false, true},
    UnitEnding{"_top5", "%", false, true},
};

struct KnownLabel {
  std::string_view name;
  std::string_view label;
};

constexpr std::array kLabels = {
    KnownLabel{"val_top1", "validation top-1"},
    KnownLabel{"test_top1", "test top-1"},
    KnownLabel{"macs", "MACs"},
    KnownLabel{"peak_sram_bytes", "peak SRAM"},
};

std::string label_of(std::string_view name, std::string_view ending) {
  const auto* known = std::ranges::find(kLabels, name, &KnownLabel::name);
  if (known != kLabels.end()) return std::string(known->label);
  std::string label(name.substr(0, name.size() - ending.size()));
  std::ranges::replace(label, '_', ' ');
  return label;
}

struct Prefix {
  double factor;
  std::string_view symbol;
};

Prefix prefix_for(double value) {
  const double size = std::abs(value);
  if (size >= 1e9) return {1e9, "G"};
  if (size >= 1e6) return {1e6, "M"};
  if (size >= 1e3) return {1e3, "k"};
  return {1, ""};
}

std::string join_unit(std::string number, std::string_view unit) {
  return unit.empty() ? number : fmt::format("{} {}", number, unit);
}

void add_once(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

}  // namespace

MetricStyle metric_style(std::string_view name) {
  const auto* ending = std::ranges::find_if(
      kUnitEndings, [&](const UnitEnding& e) { return name.ends_with(e.ending); });
  if (ending != kUnitEndings.end()) {
    return {.name = std::string(name),
            .label = label_of(name, ending->ending),
            .unit = std::string(ending->unit),
            .prefixed = ending->prefixed,
            .percent = ending->percent};
  }
  const bool is_count = name == "macs" || name == "parameters";
  return {.name = std::string(name), .label = label_of(name, ""), .unit = "", .prefixed = is_count};
}

std::string format_value(const MetricStyle& style, double value) {
  if (!std::isfinite(value)) return "–";
  if (style.percent) return fmt::format("{:.2f} %", value);
  if (!style.prefixed) return join_unit(format_number(value), style.unit);
  const Prefix prefix = prefix_for(value);
  return join_unit(format_number(value / prefix.factor),
                   fmt::format("{}{}", prefix.symbol, style.unit));
}

std::string format_with_interval(const MetricStyle& style, double value, double half) {
  if (!(half > 0) || !std::isfinite(value)) return format_value(style, value);
  const Prefix prefix = style.prefixed ? prefix_for(value) : Prefix{1, ""};
  const int of_half = decimals_for(half / prefix.factor, 2);
  const int of_value = std::max(of_half, decimals_for(value / prefix.factor, 3));
  return join_unit(fmt::format("{:.{}f} ± {:.{}f}", value / prefix.factor, of_value,
                               half / prefix.factor, of_half),
                   fmt::format("{}{}", prefix.symbol, style.unit));
}

AxisUnit axis_unit(const MetricStyle& style, double largest) {
  if (!style.prefixed) return {1, style.unit};
  const Prefix prefix = prefix_for(largest);
  return {prefix.factor, fmt::format("{}{}", prefix.symbol, style.unit)};
}

const MetricValue* best_known(std::span<const MetricValue> metrics, std::string_view name) {
  const MetricValue* best = nullptr;
  for (const MetricValue& metric : metrics) {
    if (metric.name != name || !std::isfinite(metric.value)) continue;
    if (best == nullptr || metric.origin > best->origin) best = &metric;
  }
  return best;
}

const MetricValue* with_origin(std::span<const MetricValue> metrics, std::string_view name,
                               estimators::Origin origin) {
  for (const MetricValue& metric : metrics) {
    if (metric.name == name && metric.origin == origin && std::isfinite(metric.value))
      return &metric;
  }
  return nullptr;
}

double half_interval(const MetricValue& value) {
  return kDeviationsOf90Percent * value.standard_deviation;
}

std::string format_with_interval(const MetricValue& value) {
  return format_with_interval(metric_style(value.name), value.value, half_interval(value));
}

std::vector<std::string> goal_names(const RunSummary& run) {
  std::vector<std::string> names;
  for (const ObjectiveSpec& objective : run.objectives) add_once(names, objective.metric);
  for (const LimitSpec& limit : run.limits) add_once(names, limit.metric);
  return names;
}

std::vector<std::string> metric_names(const RunSummary& run) {
  std::vector<std::string> names = goal_names(run);
  for (const TrialSummary& trial : run.trials) {
    for (const MetricValue& metric : trial.metrics) add_once(names, metric.name);
  }
  for (const FinalistSummary& finalist : run.finalists) {
    for (const MetricValue& metric : finalist.metrics) add_once(names, metric.name);
  }
  return names;
}

std::optional<Axes> front_axes(const RunSummary& run) {
  std::vector<std::string> names = metric_names(run);
  std::erase_if(names, [&](const std::string& name) {
    return std::ranges::none_of(run.trials, [&](const TrialSummary& trial) {
      return best_known(trial.metrics, name) != nullptr;
    });
  });
  if (count_trials(run, search::TrialState::kComplete) == 0) {
    std::ranges::stable_partition(
        names, [&](const std::string& name) { return limit_of(run, name) != nullptr; });
  }
  if (names.size() < 2) return std::nullopt;
  return Axes{.x = names[1], .y = names[0]};
}

int direction(const RunSummary& run, std::string_view metric) {
  const auto objective = std::ranges::find(run.objectives, metric, &ObjectiveSpec::metric);
  if (objective != run.objectives.end()) return objective->maximize ? 1 : -1;
  return limit_of(run, metric) != nullptr ? -1 : 0;
}

const LimitSpec* limit_of(const RunSummary& run, std::string_view metric) {
  const auto limit = std::ranges::find(run.limits, metric, &LimitSpec::metric);
  return limit == run.limits.end() ? nullptr : &*limit;
}

std::size_t count_trials(const RunSummary& run, search::TrialState state) {
  return static_cast<std::size_t>(std::ranges::count(run.trials, state, &TrialSummary::state));
}

const FinalistSummary* chosen_finalist(const RunSummary& run) {
  const auto chosen = std::ranges::find(run.finalists, true, &FinalistSummary::chosen);
  return chosen == run.finalists.end() ? nullptr : &*chosen;
}

const TrialSummary* find_trial(const RunSummary& run, std::uint64_t id) {
  const auto trial = std::ranges::lower_bound(run.trials, id, {}, &TrialSummary::id);
  return trial == run.trials.end() || trial->id != id ? nullptr : &*trial;
}

}  // namespace hwnas::report
