#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/sections.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

std::string metric_cell(const TrialSummary& trial, const std::string& name) {
  const MetricValue* value = best_known(trial.metrics, name);
  if (value == nullptr) return "<td>–</td>";
  return fmt::format("<td class=\"is-{}\">{}</td>", estimators::to_string(value->origin),
                     escape(format_with_interval(*value)));
}

std::string row(const TrialSummary& trial, const std::vector<std::string>& names) {
  std::string cells;
  for (const std::string& name : names) cells += metric_cell(trial, name);
  const std::string_view state = trial.on_front ? "front" : search::to_string(trial.state);
  const std::string reason =
      trial.reason.empty() ? ""
                           : fmt::format("<span class=\"reason\">{}</span>", escape(trial.reason));
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td><span class=\"state {}\">{}</span></td>{}"
      "<td class=\"words\"><code>{}</code> {}{}</td></tr>",
      trial.id, state, state, cells, escape(trial.genotype), escape(trial.description), reason);
}

/// The front first, then by id: what is worth a line where not all have one.
std::vector<const TrialSummary*> shown_trials(const RunSummary& run) {
  std::vector<const TrialSummary*> trials;
  for (const TrialSummary& trial : run.trials) trials.push_back(&trial);
  std::ranges::stable_partition(trials, [](const TrialSummary* trial) { return trial->on_front; });
  if (trials.size() > kStaticTrials) trials.resize(kStaticTrials);
  return trials;
}

}  // namespace

std::string trials_section(const RunSummary& run) {
  if (run.trials.empty()) return "";
  const std::vector<std::string> names = metric_names(run);
  std::string head = "<th scope=\"col\">trial</th><th scope=\"col\">state</th>";
  for (const std::string& name : names) {
    head += fmt::format("<th scope=\"col\">{}</th>", escape(metric_style(name).label));
  }
  head += "<th scope=\"col\">network</th>";
  std::string rows;
  const std::vector<const TrialSummary*> shown = shown_trials(run);
  for (const TrialSummary* trial : shown) rows += row(*trial, names);
  const std::string rest =
      shown.size() == run.trials.size()
          ? ""
          : fmt::format(
                "<p class=\"note without-script\">The first {} of {} trials, the front before "
                "the others; trials.csv has all.</p>",
                shown.size(), run.trials.size());
  return section(
      "trials", "Trials",
      "Predicted values are in <em>italics</em> with their 90 % interval; measured and exact ones "
      "are upright. <span class=\"with-script\">Click a heading to sort, a row to pin the trial "
      "beside the front for comparison.</span>",
      fmt::format(
          "<form class=\"controls\" id=\"trial-controls\" hidden>"
          "<label>Find <input type=\"search\" id=\"trial-search\" "
          "placeholder=\"genotype, words, state\"></label>"
          "<span id=\"trial-count\" role=\"status\"></span></form>"
          "<div class=\"scroll\"><table class=\"numbers\" id=\"trial-table\"><thead><tr>{}</tr>"
          "</thead><tbody>{}</tbody></table></div>{}"
          "<p><button type=\"button\" id=\"trial-more\" hidden>Show more</button></p>",
          head, rows, rest));
}

}  // namespace hwnas::report
