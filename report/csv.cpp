#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "report/metric.hpp"
#include "report/report.hpp"

namespace hwnas::report {

namespace {

/// A spreadsheet runs a cell that starts so as a formula.
bool starts_like_formula(std::string_view text) {
  return !text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos;
}

std::string text_cell(std::string_view text) {
  std::string cell = starts_like_formula(text) ? "'" : "";
  cell += text;
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char character : cell) {
    if (character == '"') quoted += '"';
    quoted += character;
  }
  return quoted + "\"";
}

struct Column {
  std::string metric;
  estimators::Origin origin;
  bool with_deviation = false;
  bool is(const MetricValue& value) const { return value.name == metric && value.origin == origin; }
};

std::vector<Column> columns_of(const RunSummary& run) {
  std::vector<Column> columns;
  for (const TrialSummary& trial : run.trials) {
    for (const MetricValue& value : trial.metrics) {
      auto column = std::ranges::find_if(columns, [&](const Column& c) { return c.is(value); });
      if (column == columns.end()) {
        column = columns.insert(columns.end(), {value.name, value.origin});
      }
      column->with_deviation = column->with_deviation || value.standard_deviation != 0;
    }
  }
  return columns;
}

std::string header(const std::vector<Column>& columns) {
  std::string line =
      "id,state,on_front,genotype,description,reason,worker,start_seconds,end_seconds";
  for (const Column& column : columns) {
    const std::string name =
        fmt::format("{}.{}", column.metric, estimators::to_string(column.origin));
    line += "," + text_cell(name);
    if (column.with_deviation) line += "," + text_cell(name + ".standard_deviation");
  }
  return line + "\r\n";
}

std::string row(const TrialSummary& trial, const std::vector<Column>& columns) {
  std::string line =
      fmt::format("{},{},{},{},{},{},{},{},{}", trial.id, search::to_string(trial.state),
                  trial.on_front, text_cell(trial.genotype), text_cell(trial.description),
                  text_cell(trial.reason), trial.worker, trial.start_seconds, trial.end_seconds);
  for (const Column& column : columns) {
    const auto value = std::ranges::find_if(
        trial.metrics, [&](const MetricValue& metric) { return column.is(metric); });
    const bool known = value != trial.metrics.end();
    line += known ? fmt::format(",{}", value->value) : ",";
    if (!column.with_deviation) continue;
    line += known ? fmt::format(",{}", value->standard_deviation) : ",";
  }
  return line + "\r\n";
}

}  // namespace

std::string render_csv(const RunSummary& run) {
  const std::vector<Column> columns = columns_of(run);
  std::string text = header(columns);
  for (const TrialSummary& trial : run.trials) text += row(trial, columns);
  return text;
}

}  // namespace hwnas::report
