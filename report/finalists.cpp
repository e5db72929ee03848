#include <fmt/format.h>

#include <algorithm>

#include "report/sections.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

std::vector<std::string> names_in(const std::vector<FinalistSummary>& finalists,
                                  const RunSummary& run) {
  std::vector<std::string> names = metric_names(run);
  std::erase_if(names, [&](const std::string& name) {
    return std::ranges::none_of(finalists, [&](const FinalistSummary& finalist) {
      return best_known(finalist.metrics, name) != nullptr;
    });
  });
  return names;
}

/// The value during the search stands below the one after full training, where both are known.
std::string cell(const RunSummary& run, const FinalistSummary& finalist, const std::string& name) {
  const MetricValue* value = best_known(finalist.metrics, name);
  if (value == nullptr) return "<td>–</td>";
  std::string before;
  const TrialSummary* trial = find_trial(run, finalist.trial);
  const MetricValue* earlier = trial == nullptr ? nullptr : best_known(trial->metrics, name);
  if (earlier != nullptr && earlier->value != value->value) {
    before = fmt::format("<span class=\"before\">in search {}</span>", value_with_origin(*earlier));
  }
  return fmt::format("<td>{}{}</td>", value_with_origin(*value), before);
}

std::string row(const RunSummary& run, const FinalistSummary& finalist,
                const std::vector<std::string>& names) {
  std::string cells;
  for (const std::string& name : names) cells += cell(run, finalist, name);
  std::string test = "–";
  if (finalist.test_top1) {
    test = value_with_origin({"test_top1", *finalist.test_top1, 0, estimators::Origin::kMeasured});
  }
  return fmt::format("<tr{}><th scope=\"row\">{}{}</th><td>{}</td>{}</tr>",
                     finalist.chosen ? " class=\"is-chosen\"" : "", finalist.trial,
                     finalist.chosen ? " <span class=\"tag\">chosen</span>" : "", test, cells);
}

}  // namespace

std::string finalists_section(const RunSummary& run) {
  if (run.finalists.empty()) return "";
  const std::vector<std::string> names = names_in(run.finalists, run);
  std::string head = "<th scope=\"col\">trial</th><th scope=\"col\">test top-1</th>";
  for (const std::string& name : names) {
    head += fmt::format("<th scope=\"col\">{}</th>", escape(metric_style(name).label));
  }
  std::string rows;
  for (const FinalistSummary& finalist : run.finalists) rows += row(run, finalist, names);
  return section(
      "finalists", "Finalists",
      "Points of the front that were trained fully. Only the chosen one meets the test "
      "data, once, as the exported artifact.",
      fmt::format("<div class=\"scroll\"><table class=\"numbers\"><thead><tr>{}</tr></thead>"
                  "<tbody>{}</tbody></table></div>",
                  head, rows));
}

}  // namespace hwnas::report
