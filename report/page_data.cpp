#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/sections.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

using nlohmann::json;

/// Six significant digits are more than a pixel: full ones would double the page.
json rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  char buffer[32];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, 6);
  double result = 0;
  std::from_chars(buffer, end.ptr, result);
  if (result == std::round(result) && std::abs(result) < 1e15)
    return static_cast<std::int64_t>(result);
  return result;
}

json metric_columns(const RunSummary& run) {
  json columns = json::array();
  for (const std::string& name : metric_names(run)) {
    const MetricStyle style = metric_style(name);
    const LimitSpec* limit = limit_of(run, name);
    json values = json::array();
    json halves = json::array();
    std::string origins;  // one digit a trial: the value of its estimators::Origin
    bool any_interval = false;
    for (const TrialSummary& trial : run.trials) {
      const MetricValue* value = best_known(trial.metrics, name);
      values.push_back(value == nullptr ? json() : rounded(value->value));
      halves.push_back(value == nullptr ? json() : rounded(half_interval(*value)));
      origins += static_cast<char>('0' + (value == nullptr ? 0 : static_cast<int>(value->origin)));
      any_interval = any_interval || (value != nullptr && value->standard_deviation > 0);
    }
    columns.push_back({{"name", name},
                       {"label", style.label},
                       {"unit", style.unit},
                       {"prefixed", style.prefixed},
                       {"percent", style.percent},
                       {"direction", direction(run, name)},
                       {"limit", limit == nullptr ? json() : rounded(limit->bound)},
                       {"values", std::move(values)},
                       {"halves", any_interval ? std::move(halves) : json()},
                       {"origins", origins}});
  }
  return columns;
}

/// Descriptions are the longest part: where there are too many, those of the front only.
json descriptions(const RunSummary& run) {
  constexpr std::size_t kMostBytes = 300'000;
  std::size_t bytes = 0;
  for (const TrialSummary& trial : run.trials) bytes += trial.description.size();
  json texts = json::array();
  for (const TrialSummary& trial : run.trials) {
    texts.push_back(bytes <= kMostBytes || trial.on_front ? trial.description : "");
  }
  return texts;
}

template <typename Field>
json column(const RunSummary& run, Field field) {
  json values = json::array();
  for (const TrialSummary& trial : run.trials) values.push_back(field(trial));
  return values;
}

}  // namespace

std::string page_data(const RunSummary& run) {
  const FinalistSummary* chosen = chosen_finalist(run);
  const std::optional<Axes> axes = front_axes(run);
  const json data = {
      {"chosen", chosen == nullptr ? json() : json(chosen->trial)},
      {"axes", axes ? json{{"x", axes->x}, {"y", axes->y}} : json()},
      {"metrics", metric_columns(run)},
      {"id", column(run, [](const TrialSummary& trial) { return trial.id; })},
      {"state", column(run,
                       [](const TrialSummary& trial) {
                         return trial.on_front ? "front" : search::to_string(trial.state);
                       })},
      {"genotype", column(run, [](const TrialSummary& trial) { return trial.genotype; })},
      {"description", descriptions(run)},
      {"reason", column(run, [](const TrialSummary& trial) { return trial.reason; })},
      {"worker", column(run, [](const TrialSummary& trial) { return trial.worker; })},
      {"start",
       column(run, [](const TrialSummary& trial) { return rounded(trial.start_seconds); })},
      {"end", column(run, [](const TrialSummary& trial) { return rounded(trial.end_seconds); })}};
  return escape_for_script(data.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace hwnas::report
