#include <fmt/format.h>

#include <algorithm>

#include "report/metric.hpp"
#include "report/report.hpp"
#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

constexpr double kWidth = 860;
constexpr double kRow = 26;
constexpr double kBar = 18;
constexpr double kLeft = 190;  ///< of the bars; the decisions' names stand before it

/// One bar, as wide as all probability; its pieces are the options, the likeliest one filled.
std::string row(const DecisionProbabilities& decision, double top) {
  constexpr double kLetter = 6.2;
  const auto likeliest =
      std::ranges::max_element(decision.probabilities) - decision.probabilities.begin();
  std::string marks = svg::text("tick end", kLeft - 10, top + kBar - 5, decision.decision);
  double x = kLeft;
  for (std::size_t k = 0; k < decision.probabilities.size(); ++k) {
    const bool first = static_cast<std::ptrdiff_t>(k) == likeliest;
    const double width = (kWidth - kLeft) * decision.probabilities[k];
    const std::string& option = decision.options[k];
    marks += svg::rect(
        first ? "bar" : "bar guess", x, top, width, kBar, 0,
        fmt::format("{} {}: {:.1f} %", decision.decision, option, 100 * decision.probabilities[k]));
    if (kLetter * static_cast<double>(option.size() + 1) < width) {
      marks += svg::text(first ? "bar-value light mid" : "bar-value mid", x + width / 2,
                         top + kBar - 5, option);
    }
    x += width;
  }
  return marks;
}

std::string picture(const DifferentiableSummary& found) {
  std::string rows;
  double top = 4;
  for (const DecisionProbabilities& decision : found.decisions) {
    rows += row(decision, top);
    top += kRow;
  }
  return svg::open(kWidth, top, "plot", "Probability of each option of each decision") + rows +
         "</svg>";
}

std::string describe_cost(const DifferentiableSummary& found, double cost) {
  const MetricStyle style = metric_style(found.cost_metric);
  return fmt::format("{} {} (predicted)", style.label, format_value(style, cost));
}

}  // namespace

std::string describe_differentiable(const DifferentiableSummary& found) {
  if (!found.skipped.empty()) return fmt::format("skipped, since {}", found.skipped);
  std::string text = "no network that was drawn keeps the limits, so the search started without it";
  if (!found.genotype.empty()) {
    text = fmt::format("yields {}, top-1 {:.2f} % with shared weights, cross-entropy {:.3f} nats",
                       found.genotype, found.val_top1, found.cross_entropy);
    if (!found.cost_metric.empty()) text += ", " + describe_cost(found, found.cost);
  }
  text += fmt::format("; of what it draws {:.0f} % keep the limits", 100 * found.feasible_share);
  if (!found.cost_metric.empty()) {
    text += fmt::format(", on average {}", describe_cost(found, found.expected_cost));
  }
  return text + fmt::format("; entropy {:.1f} of {:.1f} nats after {}", found.entropy,
                            found.uniform_entropy,
                            counted(static_cast<std::size_t>(found.steps), "step"));
}

std::string differentiable_section(const RunSummary& run) {
  if (!run.differentiable) return "";
  const DifferentiableSummary& found = *run.differentiable;
  const std::string lead =
      fmt::format("The differentiable stage: {}.", escape(describe_differentiable(found)));
  if (found.decisions.empty()) return section("distribution", "Where the search started", lead, "");
  return section(
      "distribution", "Where the search started",
      lead + " Each bar is a decision, each of its pieces an option, as wide as it is likely.",
      figure("<strong>Distribution</strong> over the options of each decision", picture(found)));
}

}  // namespace hwnas::report
