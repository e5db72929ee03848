#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "report/report.hpp"
#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

using search::TrialState;

std::string rug_of_states(const RunSummary& run, const svg::Plot& plot) {
  std::string marks;
  for (const auto& [state, name] :
       {std::pair{TrialState::kInfeasible, "infeasible"},
        std::pair{TrialState::kStopped, "stopped"}, std::pair{TrialState::kFailed, "failed"}}) {
    std::string ticks;
    for (std::size_t i = 0; i < run.trials.size(); ++i) {
      if (run.trials[i].state != state) continue;
      ticks += fmt::format("M{} {}v-7", svg::pixels(plot.x(static_cast<double>(i))),
                           svg::pixels(plot.bottom()));
    }
    if (!ticks.empty()) marks += svg::path(fmt::format("rug {}", name), ticks);
  }
  return marks;
}

/// The volume between the reference and the best value seen of each objective: what a single
/// network best in everything would reach.
double ideal_volume(const RunSummary& run, const std::vector<double>& reference) {
  double volume = 1;
  for (std::size_t i = 0; i < run.objectives.size(); ++i) {
    svg::Range range;
    for (const TrialSummary& trial : run.trials) {
      if (trial.state != TrialState::kComplete) continue;
      const MetricValue* value = best_known(trial.metrics, run.objectives[i].metric);
      if (value != nullptr)
        range.include(run.objectives[i].maximize ? -value->value : value->value);
    }
    volume *= reference[i] - range.low;
  }
  return volume;
}

std::string step_path(const svg::Plot& plot, const std::vector<double>& percent) {
  std::string data;
  double last = -1;
  for (std::size_t i = 0; i < percent.size(); ++i) {
    if (percent[i] == last && i + 1 < percent.size()) continue;
    const std::string x = svg::pixels(plot.x(static_cast<double>(i)));
    const std::string y = svg::pixels(plot.y(percent[i]));
    data += data.empty() ? fmt::format("M{} {}", x, y) : fmt::format("H{}V{}", x, y);
    last = percent[i];
  }
  return data;
}

std::string hypervolume_figure(const RunSummary& run) {
  const HypervolumeCurve curve = hypervolume_curve(run);
  if (curve.values.empty()) return "";
  const double ideal = ideal_volume(run, curve.reference);
  std::vector<double> percent;
  for (const double value : curve.values) percent.push_back(100 * value / ideal);

  svg::Range trials{0, static_cast<double>(std::max<std::size_t>(percent.size() - 1, 1))};
  svg::Plot plot(
      {}, {.title = "trial", .range = trials, .whole = true},
      {.title = "hypervolume (% of ideal)", .range = svg::Range{0, percent.back()}.padded(0.05)},
      fmt::format("Hypervolume over trials, ending at {:.1f} % of the ideal", percent.back()));
  const std::string steps = step_path(plot, percent);
  plot.add(svg::path("area", steps + fmt::format("V{}H{}Z", svg::pixels(plot.bottom()),
                                                 svg::pixels(plot.layout().left))))
      .add(svg::path("series front-edge", steps))
      .add(rug_of_states(run, plot));
  for (std::size_t i = 0; i < percent.size() && percent.size() <= kStaticTrials; ++i) {
    if (i > 0 && percent[i] == percent[i - 1]) continue;
    if (percent[i] == 0) continue;
    plot.add(svg::circle(
        "front small", plot.x(static_cast<double>(i)), plot.y(percent[i]), 3,
        fmt::format("{}\nhypervolume {:.1f} %", describe_trial(run, run.trials[i]), percent[i])));
  }
  std::string reference;
  for (std::size_t i = 0; i < curve.reference.size(); ++i) {
    const ObjectiveSpec& objective = run.objectives[i];
    const MetricStyle style = metric_style(objective.metric);
    const double shown = objective.maximize ? -curve.reference[i] : curve.reference[i];
    reference +=
        fmt::format("{}{} {}", i == 0 ? "" : ", ", style.label, format_value(style, shown));
  }
  return figure(fmt::format("<strong>Hypervolume</strong> of the front after each trial; reference "
                            "point {}. Ticks: trials that ended early.",
                            escape(reference)),
                std::move(plot).finish());
}

struct Series {
  std::string classes;
  std::string tip;
  const std::vector<CurvePoint>* points;
  double CurvePoint::*value;
};

std::string curves_figure(const std::vector<Series>& all, std::string_view caption_html,
                          std::string_view axis) {
  svg::Range epochs;
  svg::Range values;
  for (const Series& series : all) {
    for (const CurvePoint& point : *series.points) {
      epochs.include(point.epoch);
      values.include(point.*series.value);
    }
  }
  if (values.empty()) return "";
  svg::Plot plot({}, {.title = "epoch", .range = epochs.padded(0.02), .whole = true},
                 {.title = std::string(axis), .range = values.padded(0.05)},
                 fmt::format("{} over epochs, {}", axis, counted(all.size(), "curve")));
  for (const Series& series : all) {
    std::vector<double> xs;
    std::vector<double> ys;
    for (const CurvePoint& point : *series.points) {
      if (!std::isfinite(point.*series.value)) continue;
      xs.push_back(plot.x(point.epoch));
      ys.push_back(plot.y(point.*series.value));
    }
    if (xs.empty()) continue;
    // One epoch is a dot, which a path shows by its round cap.
    const std::string data = xs.size() == 1 ? svg::dot(xs[0], ys[0]) : svg::polyline(xs, ys);
    plot.add(svg::path("series " + series.classes, data, series.tip));
  }
  return figure(caption_html, std::move(plot).finish());
}

/// The front's curves, and of the others so many, evenly spaced, that the picture stays readable.
std::vector<Series> search_curves(const RunSummary& run) {
  std::vector<Series> others;
  std::vector<Series> front;
  for (const TrialSummary& trial : run.trials) {
    if (trial.curve.empty()) continue;
    const bool stopped = trial.state == TrialState::kStopped;
    Series series{trial.on_front ? "front"
                  : stopped      ? "stopped"
                                 : "complete",
                  describe_trial(run, trial), &trial.curve, &CurvePoint::validation_top1};
    (trial.on_front ? front : others).push_back(std::move(series));
  }
  const std::size_t stride = (others.size() + kStaticTrials - 1) / kStaticTrials;
  std::vector<Series> shown;
  for (std::size_t i = 0; i < others.size(); i += std::max<std::size_t>(stride, 1)) {
    shown.push_back(others[i]);
  }
  shown.insert(shown.end(), front.begin(), front.end());
  return shown;
}

std::vector<Series> finalist_curves(const RunSummary& run, double CurvePoint::*value,
                                    std::string_view line_class = "") {
  std::vector<Series> all;
  for (const FinalistSummary& finalist : run.finalists) {
    all.push_back({fmt::format("{} {}", finalist.chosen ? "chosen" : "front", line_class),
                   fmt::format("trial {}", finalist.trial), &finalist.curve, value});
  }
  return all;
}

std::vector<Series> finalist_losses(const RunSummary& run) {
  std::vector<Series> losses = finalist_curves(run, &CurvePoint::train_loss, "dashed");
  std::ranges::move(finalist_curves(run, &CurvePoint::validation_loss), std::back_inserter(losses));
  return losses;
}

}  // namespace

std::string progress_section(const RunSummary& run) {
  constexpr std::string_view kAccuracyAxis = "validation top-1 (%, measured)";
  const std::string figures =
      hypervolume_figure(run) +
      curves_figure(
          search_curves(run),
          "<strong>During the search</strong>: <i class=\"key front\"></i> front, "
          "<i class=\"key complete\"></i> dominated, <i class=\"key stopped\"></i> stopped.",
          kAccuracyAxis) +
      curves_figure(finalist_curves(run, &CurvePoint::validation_top1),
                    "<strong>Finalists, accuracy</strong>: <i class=\"key chosen\"></i> chosen, "
                    "<i class=\"key front\"></i> others.",
                    kAccuracyAxis) +
      curves_figure(
          finalist_losses(run),
          "<strong>Finalists, loss</strong>: solid on validation data, dashed in training.",
          "loss (measured)");
  if (figures.empty()) return "";
  return section("progress", "Progress", "", fmt::format("<div class=\"pair\">{}</div>", figures));
}

}  // namespace hwnas::report
