#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "report/report.hpp"
#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

constexpr svg::Layout kLayout{
    .width = 860, .height = 460, .left = 60, .right = 18, .top = 34, .bottom = 50};

using search::TrialState;

/// One axis of the scatter plot.
struct Side {
  MetricStyle style;
  int direction = 0;
  const LimitSpec* limit = nullptr;
  svg::Range range;
  AxisUnit unit;
  std::string title;
};

/// Infeasible candidates may cost many times the limit, and stopped ones score far below the rest:
/// they do not stretch an axis that complete ones define, but land on its end.
svg::Range range_of(const RunSummary& run, const std::string& metric, const LimitSpec* limit) {
  svg::Range complete;
  svg::Range all;
  for (const TrialSummary& trial : run.trials) {
    const MetricValue* value = best_known(trial.metrics, metric);
    if (value == nullptr) continue;
    all.include(value->value);
    if (trial.state == TrialState::kComplete) complete.include(value->value);
  }
  svg::Range range = complete.empty() ? all : complete;
  if (limit != nullptr && !range.empty() && limit->bound < range.high + range.span()) {
    range.include(limit->bound);
  }
  return range.padded(0.06);
}

Side make_side(const RunSummary& run, const std::string& metric) {
  Side side;
  side.style = metric_style(metric);
  side.direction = direction(run, metric);
  side.limit = limit_of(run, metric);
  side.range = range_of(run, metric, side.limit);
  side.unit = axis_unit(side.style, std::max(std::abs(side.range.low), std::abs(side.range.high)));
  side.title = axis_title(run, side.style, side.unit);
  return side;
}

svg::Axis axis_of(const Side& side, std::string_view towards_better) {
  const std::string hint = side.direction == 0 ? "" : fmt::format(" · {} better", towards_better);
  return {
      .title = side.title + hint, .range = side.range, .divisor = side.unit.divisor, .ticks = 6};
}

struct Located {
  const TrialSummary* trial = nullptr;
  const MetricValue* x = nullptr;
  const MetricValue* y = nullptr;
};

std::vector<Located> locate(const RunSummary& run, const Side& x, const Side& y) {
  std::vector<Located> points;
  for (const TrialSummary& trial : run.trials) {
    points.push_back(
        {&trial, best_known(trial.metrics, x.style.name), best_known(trial.metrics, y.style.name)});
  }
  return points;
}

/// The region that a limit forbids, its edge and its name.
std::string limit_marks(const svg::Plot& plot, const Side& side, bool horizontal) {
  if (side.limit == nullptr || side.limit->bound > side.range.high) return "";
  const std::string label = "limit " + format_value(side.style, side.limit->bound);
  const double left = plot.layout().left;
  const double top = plot.layout().top;
  if (horizontal) {
    const double x = plot.x(side.limit->bound);
    return svg::rect("forbidden", x, top, plot.right() - x, plot.bottom() - top) +
           svg::line("limit", x, top, x, plot.bottom()) +
           svg::text("limit-label end", x - 5, plot.bottom() - 14, label);
  }
  const double y = plot.y(side.limit->bound);
  return svg::rect("forbidden", left, top, plot.right() - left, y - top) +
         svg::line("limit", left, y, plot.right(), y) +
         svg::text("limit-label", left + 6, y + 14, label);
}

/// The best attainable of these two metrics, and what it dominates.
std::string staircase(const svg::Plot& plot, const std::vector<Located>& points, const Side& x,
                      const Side& y) {
  if (x.direction == 0 || y.direction == 0) return "";
  std::vector<Located> sorted;
  std::ranges::copy_if(points, std::back_inserter(sorted), [](const Located& point) {
    return point.trial->state == TrialState::kComplete && point.x != nullptr && point.y != nullptr;
  });
  const auto cost = [](const Side& side, const MetricValue& value) {
    return -side.direction * value.value;
  };
  std::ranges::sort(sorted, {}, [&](const Located& point) {
    return std::pair(cost(x, *point.x), cost(y, *point.y));
  });
  const double worst_x = x.direction < 0 ? plot.right() : plot.layout().left;
  const double worst_y = y.direction > 0 ? plot.bottom() : plot.layout().top;
  std::string edge;
  double first_x = 0;
  std::optional<double> best;
  for (const Located& point : sorted) {
    if (best && cost(y, *point.y) >= *best) continue;
    const std::string px = svg::pixels(plot.x(point.x->value));
    const std::string py = svg::pixels(plot.y(point.y->value));
    if (!best) first_x = plot.x(point.x->value);
    edge += best ? fmt::format("H{}V{}", px, py)
                 : fmt::format("M{} {}V{}", px, svg::pixels(worst_y), py);
    best = cost(y, *point.y);
  }
  if (!best) return "";
  edge += fmt::format("H{}", svg::pixels(worst_x));
  const std::string area =
      edge + fmt::format("V{}H{}Z", svg::pixels(worst_y), svg::pixels(first_x));
  return svg::path("dominated", area) + svg::path("front-edge", edge);
}

std::string_view mark_class(const TrialSummary& trial) {
  if (trial.on_front) return "front";
  switch (trial.state) {
    case TrialState::kComplete:
      return "complete";
    case TrialState::kStopped:
      return "stopped";
    case TrialState::kInfeasible:
      return "infeasible";
    case TrialState::kFailed:
      return "failed";
  }
  return "";
}

/// All trials but those of the front: one path a class, so that thousands stay small.
std::string crowd(const svg::Plot& plot, const std::vector<Located>& points) {
  constexpr std::size_t kDenseFrom = 1000;
  const std::string_view density = points.size() < kDenseFrom ? "dots" : "dots dense";
  std::string marks;
  for (const std::string_view state : {"infeasible", "failed", "stopped", "complete"}) {
    std::string dots;
    std::string rug;
    for (const auto& [trial, x, y] : points) {
      if (mark_class(*trial) != state) continue;
      if (x != nullptr && y != nullptr) {
        dots += svg::dot(plot.x(x->value), plot.y(y->value));
      } else if (x != nullptr) {
        rug += fmt::format("M{} {}v-8", svg::pixels(plot.x(x->value)), svg::pixels(plot.bottom()));
      }
    }
    if (!dots.empty()) marks += svg::path(fmt::format("{} {}", density, state), dots);
    if (!rug.empty()) marks += svg::path(fmt::format("rug {}", state), rug);
  }
  return marks;
}

std::string interval_marks(const svg::Plot& plot, const Located& point) {
  const double half_x = half_interval(*point.x);
  const double half_y = half_interval(*point.y);
  const double x = plot.x(point.x->value);
  const double y = plot.y(point.y->value);
  std::string marks;
  if (half_x > 0) {
    marks += svg::line("whisker", plot.x(point.x->value - half_x), y,
                       plot.x(point.x->value + half_x), y);
  }
  if (half_y > 0) {
    marks += svg::line("whisker", x, plot.y(point.y->value - half_y), x,
                       plot.y(point.y->value + half_y));
  }
  return marks;
}

std::string front_marks(const RunSummary& run, const svg::Plot& plot,
                        const std::vector<Located>& points) {
  const FinalistSummary* chosen = chosen_finalist(run);
  std::string whiskers;
  std::string dots;
  for (const Located& point : points) {
    if (!point.trial->on_front || point.x == nullptr || point.y == nullptr) continue;
    const double x = plot.x(point.x->value);
    const double y = plot.y(point.y->value);
    const bool is_chosen = chosen != nullptr && chosen->trial == point.trial->id;
    whiskers += interval_marks(plot, point);
    dots += svg::circle(is_chosen ? "chosen" : "front", x, y, is_chosen ? 7 : 5,
                        describe_trial(run, *point.trial));
    if (is_chosen) {
      const bool at_right = x > plot.right() - 90;
      dots += svg::text(at_right ? "mark-label end" : "mark-label", x + (at_right ? -11 : 11),
                        y - 8, "chosen");
    }
  }
  return whiskers + dots;
}

std::string legend(const RunSummary& run, double left) {
  struct Entry {
    std::string_view mark;
    std::string label;
    bool shown;
  };
  const std::size_t on_front = std::ranges::count(run.trials, true, &TrialSummary::on_front);
  const auto counted_state = [&](TrialState state, std::string_view word) {
    const std::size_t count = count_trials(run, state);
    return Entry{word, fmt::format("{} {}", count, word), count > 0};
  };
  const std::size_t complete = count_trials(run, TrialState::kComplete);
  const std::vector<Entry> entries = {
      {"front", fmt::format("{} on the front", on_front), on_front > 0},
      {"complete", fmt::format("{} dominated", complete - std::min(on_front, complete)),
       complete > on_front},
      counted_state(TrialState::kStopped, "stopped"),
      counted_state(TrialState::kInfeasible, "infeasible"),
      counted_state(TrialState::kFailed, "failed")};
  std::string marks;
  double x = left + 6;
  for (const Entry& entry : entries) {
    if (!entry.shown) continue;
    marks += entry.mark == "front" ? svg::circle("front", x, 14, 5)
                                   : svg::path(fmt::format("dots {}", entry.mark), svg::dot(x, 14));
    marks += svg::text("legend", x + 10, 18, entry.label);
    x += 32 + 6.6 * static_cast<double>(entry.label.size());
  }
  return marks;
}

std::string controls(const RunSummary& run) {
  // Filled and shown by front.js; without JavaScript there is nothing to choose.
  if (run.trials.empty()) return "";
  return "<form class=\"controls\" id=\"front-controls\" hidden>"
         "<label>Across <select id=\"front-x\"></select></label>"
         "<label>Up <select id=\"front-y\"></select></label>"
         "<button type=\"button\" id=\"front-reset\">Objectives</button></form>";
}

}  // namespace

std::string front_chart(const RunSummary& run, std::string_view behind) {
  const std::optional<Axes> axes = front_axes(run);
  if (!axes) return "";
  const Side x = make_side(run, axes->x);
  const Side y = make_side(run, axes->y);
  svg::Plot plot(kLayout, axis_of(x, x.direction > 0 ? "→" : "←"),
                 axis_of(y, y.direction > 0 ? "→" : "←"),
                 fmt::format("Scatter plot of {} over {} for {}", y.style.label, x.style.label,
                             counted(run.trials.size(), "trial")));
  const std::vector<Located> points = locate(run, x, y);
  plot.add(limit_marks(plot, x, true))
      .add(limit_marks(plot, y, false))
      .add(staircase(plot, points, x, y))
      .add(crowd(plot, points))
      .add(front_marks(run, plot, points))
      .add(legend(run, plot.layout().left));
  return std::move(plot).finish(behind);
}

std::string front_section(const RunSummary& run) {
  const std::string chart = front_chart(run);
  if (chart.empty()) {
    return section("front", "Pareto front", "",
                   "<p class=\"empty\">No trial has finished yet.</p>");
  }
  std::string goals;
  for (const ObjectiveSpec& objective : run.objectives) {
    const MetricStyle style = metric_style(objective.metric);
    goals += fmt::format("{}{} <strong>{}</strong>", goals.empty() ? "" : ", ",
                         objective.maximize ? "higher" : "lower", escape(style.label));
  }
  const std::string lead = fmt::format(
      "A network is on the front if no other is at least as good in every objective and better in "
      "one: {}. The line joins the best of the two axes shown; whiskers are 90 % intervals; ticks "
      "on "
      "the axis are candidates that were never trained.",
      goals);
  return section(
      "front", "Pareto front", lead,
      controls(run) + fmt::format("<div class=\"picture wide\" id=\"front-plot\">{}</div>"
                                  "<div id=\"pinned\"></div>",
                                  chart));
}

std::string render_front_svg(const RunSummary& run) {
  const std::string chart = front_chart(run, own_style(kLayout));
  if (!chart.empty()) return chart;
  return svg::open(860, 60, "plot", "No trials yet") + own_style({.width = 860, .height = 60}) +
         svg::text("legend mid", 430, 34, "No trial has finished yet.") + "</svg>";
}

}  // namespace hwnas::report
