#include "cli/run_result.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "cli/format.hpp"
#include "cli/text_table.hpp"
#include "report/report.hpp"

namespace hwnas::cli {
namespace {

using report::MetricValue;
using report::RunSummary;

/// Objectives first, then limits: what the run was about.
std::vector<std::string> shown_metrics(const RunSummary& run) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const auto& objective : run.objectives)
    if (seen.insert(objective.metric).second) names.push_back(objective.metric);
  for (const auto& limit : run.limits)
    if (seen.insert(limit.metric).second) names.push_back(limit.metric);
  return names;
}

double value_of(const std::vector<MetricValue>& metrics, const std::string& name) {
  const auto found = std::ranges::find(metrics, name, &MetricValue::name);
  return found == metrics.end() ? 0 : found->value;
}

/// Sorted by the first objective, the smallest value first.
std::vector<const report::TrialSummary*> front_of(const RunSummary& run) {
  std::vector<const report::TrialSummary*> front;
  for (const auto& trial : run.trials)
    if (trial.on_front) front.push_back(&trial);
  std::ranges::stable_sort(front, {}, [&run](const report::TrialSummary* trial) {
    return value_of(trial->metrics, run.objectives.front().metric);
  });
  return front;
}

std::string cell(const std::vector<MetricValue>& metrics, const std::string& name) {
  for (const MetricValue& metric : metrics)
    if (metric.name == name) return format_metric(metric.value, metric.standard_deviation);
  return "";
}

std::vector<std::string> row(std::string label, const std::vector<MetricValue>& metrics,
                             const std::vector<std::string>& names) {
  std::vector<std::string> cells = {std::move(label)};
  for (const std::string& name : names) cells.push_back(cell(metrics, name));
  return cells;
}

nlohmann::json to_json(const engine::RunResult& result) {
  nlohmann::json json = {
      {"state", result.state == engine::RunState::kFinished ? "finished" : "interrupted"},
      {"folder", result.folder.string()}};
  if (!result.report_html.empty()) json["report_html"] = result.report_html.string();
  if (!result.exported_onnx.empty()) json["exported_onnx"] = result.exported_onnx.string();
  if (result.chosen_trial) json["chosen_trial"] = *result.chosen_trial;
  return json;
}

void print_for_people(const engine::RunResult& result) {
  fmt::print("{}", describe_findings(engine::summarise_run(result.folder)));
  fmt::print("report   {}\n", result.report_html.string());
  if (!result.exported_onnx.empty()) fmt::print("network  {}\n", result.exported_onnx.string());
}

}  // namespace

std::string describe_findings(const RunSummary& run) {
  const std::vector<std::string> metrics = shown_metrics(run);
  const bool finalists = !run.finalists.empty();
  std::vector<std::vector<std::string>> rows = {{finalists ? "finalists" : "front"}};
  rows[0].insert(rows[0].end(), metrics.begin(), metrics.end());
  if (finalists) rows[0].push_back("test_top1");

  for (const auto& finalist : run.finalists) {
    rows.push_back(row(fmt::format("trial {}{}", finalist.trial, finalist.chosen ? " *" : ""),
                       finalist.metrics, metrics));
    rows.back().push_back(finalist.test_top1 ? format_metric(*finalist.test_top1, 0) : "");
  }
  if (!finalists)
    for (const report::TrialSummary* trial : front_of(run))
      rows.push_back(row(fmt::format("trial {}", trial->id), trial->metrics, metrics));
  const std::string ranking =
      run.rank_check ? fmt::format("supernet: {}\n", report::describe_rank_check(*run.rank_check))
                     : "";
  const std::string start = run.differentiable
                                ? fmt::format("differentiable: {}\n",
                                              report::describe_differentiable(*run.differentiable))
                                : "";
  return format_table(rows) + (finalists ? "* exported\n" : "") + ranking + start;
}

void print_result(const engine::RunResult& result, Invocation& invocation) {
  if (invocation.json) print_json(to_json(result));
  if (result.state == engine::RunState::kInterrupted) {
    print_message(fmt::format("interrupted; to go on: {} resume {}", invocation.arguments.front(),
                              shell_quoted(result.folder.string())));
    invocation.exit_code = ExitCode::kInterrupted;
  } else if (!invocation.json) {
    print_for_people(result);
  }
}

}  // namespace hwnas::cli
