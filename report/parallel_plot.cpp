#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

constexpr double kWidth = 860;
constexpr double kHeight = 340;
constexpr double kTop = 48;
constexpr double kBottom = 294;   ///< lower end of the axes
constexpr double kUnknown = 316;  ///< where a line goes whose value is not known
constexpr double kMargin = 70;

struct Rail {
  MetricStyle style;
  svg::Range range;
  bool better_is_low = false;
  double x = 0;

  /// Better is up.
  double y(double value) const {
    const double share = std::clamp((value - range.low) / range.span(), 0.0, 1.0);
    return better_is_low ? kTop + share * (kBottom - kTop) : kBottom - share * (kBottom - kTop);
  }
};

std::vector<Rail> make_rails(const RunSummary& run) {
  constexpr std::size_t kMostRails = 8;
  std::vector<Rail> rails;
  for (const std::string& name : metric_names(run)) {
    if (rails.size() == kMostRails) break;
    Rail rail{.style = metric_style(name), .range = {}, .better_is_low = direction(run, name) < 0};
    for (const TrialSummary& trial : run.trials) {
      const MetricValue* value = best_known(trial.metrics, name);
      if (value != nullptr) rail.range.include(value->value);
    }
    if (rail.range.empty()) continue;
    rail.range = rail.range.padded(0);
    rails.push_back(std::move(rail));
  }
  const auto gaps = static_cast<double>(std::max<std::size_t>(rails.size() - 1, 1));
  for (std::size_t i = 0; i < rails.size(); ++i) {
    rails[i].x = kMargin + (kWidth - 2 * kMargin) * static_cast<double>(i) / gaps;
  }
  return rails;
}

std::string thread(const std::vector<Rail>& rails, const TrialSummary& trial) {
  std::vector<double> xs;
  std::vector<double> ys;
  for (const Rail& rail : rails) {
    const MetricValue* value = best_known(trial.metrics, rail.style.name);
    xs.push_back(rail.x);
    ys.push_back(value == nullptr ? kUnknown : rail.y(value->value));
  }
  return svg::polyline(xs, ys);
}

std::string threads(const RunSummary& run, const std::vector<Rail>& rails) {
  // parallel.js draws all of them.
  constexpr std::size_t kMostThreads = 1500;
  const std::size_t stride = 1 + run.trials.size() / kMostThreads;
  std::string crowd;
  std::string infeasible;
  std::string front;
  for (std::size_t i = 0; i < run.trials.size(); ++i) {
    const TrialSummary& trial = run.trials[i];
    if (trial.on_front) {
      front += thread(rails, trial);
    } else if (i % stride == 0 && !trial.metrics.empty()) {
      const bool trained = trial.state == search::TrialState::kComplete;
      (trained ? crowd : infeasible) += thread(rails, trial);
    }
  }
  return svg::path("thread infeasible", infeasible) + svg::path("thread complete", crowd) +
         svg::path("thread front", front);
}

std::string rail_marks(const RunSummary& run, const Rail& rail) {
  const double high = rail.y(rail.range.high);
  const double low = rail.y(rail.range.low);
  std::string marks = svg::line("rail", rail.x, kTop, rail.x, kBottom) +
                      svg::text("column-title mid", rail.x, 16, rail.style.label);
  marks += svg::text("tick mid", rail.x, kTop - 8,
                     format_value(rail.style, high < low ? rail.range.high : rail.range.low));
  marks += svg::text("tick mid", rail.x, kBottom + 15,
                     format_value(rail.style, high < low ? rail.range.low : rail.range.high));
  const LimitSpec* limit = limit_of(run, rail.style.name);
  if (limit != nullptr && limit->bound >= rail.range.low && limit->bound <= rail.range.high) {
    const double y = rail.y(limit->bound);
    marks += svg::line("limit", rail.x - 9, y, rail.x + 9, y);
  }
  return marks;
}

}  // namespace

std::string parallel_section(const RunSummary& run) {
  const std::vector<Rail> rails = make_rails(run);
  if (rails.size() < 2 || run.trials.size() < 2) return "";
  std::string marks = threads(run, rails);
  for (const Rail& rail : rails) marks += rail_marks(run, rail);
  marks += svg::text("tick", 6, kUnknown + 4, "not known");
  const std::string chart =
      svg::open(kWidth, kHeight, "plot", "Parallel coordinates of all trials, better is up") +
      marks + "</svg>";
  return section(
      "parallel", "All trials at once",
      "One line a trial; on every axis better is up; a dash is a limit. <span "
      "class=\"with-script\">Drag along an axis to keep only the trials that pass there: "
      "the front and the table follow; a click on the axis lets go.</span>",
      fmt::format("<div class=\"picture wide\" id=\"parallel-plot\">{}</div>", chart));
}

}  // namespace hwnas::report
