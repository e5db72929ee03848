#include "report/timeline_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

constexpr double kWidth = 860;
constexpr double kLeft = 74;
constexpr double kLane = 26;
constexpr double kTop = 6;

/// One unit of time for the whole axis.
struct TimeUnit {
  double seconds = 1;
  std::string_view name = "s";
};

TimeUnit time_unit(double longest) {
  if (longest > 3 * 3600) return {3600, "h"};
  if (longest > 180) return {60, "min"};
  return {};
}

std::map<int, std::size_t> lanes_of(const RunSummary& run) {
  std::map<int, std::size_t> lanes;
  for (const TrialSummary& trial : run.trials) lanes.emplace(trial.worker, 0);
  std::size_t next = 0;
  for (auto& [worker, lane] : lanes) lane = next++;
  return lanes;
}

}  // namespace

std::string timeline_chart(const RunSummary& run) {
  svg::Range times;
  for (const TrialSummary& trial : run.trials) {
    if (trial.end_seconds > trial.start_seconds) times.include(trial.end_seconds);
  }
  if (times.empty()) return "";
  times.low = 0;
  const std::map<int, std::size_t> lanes = lanes_of(run);
  const double bottom = kTop + kLane * static_cast<double>(lanes.size());
  const double scale = (kWidth - kLeft - 14) / times.span();
  const auto x = [&](double seconds) { return kLeft + (seconds - times.low) * scale; };
  const auto middle = [&](std::size_t lane) {
    return kTop + kLane * (static_cast<double>(lane) + 0.5);
  };

  const TimeUnit unit = time_unit(times.high);
  std::string marks;
  for (const double tick :
       svg::nice_ticks({times.low / unit.seconds, times.high / unit.seconds}, 8)) {
    const double at = x(tick * unit.seconds);
    marks += svg::line("grid", at, kTop, at, bottom) +
             svg::text("tick mid", at, bottom + 16, fmt::format("{:.6g} {}", tick, unit.name));
  }
  for (const auto& [worker, lane] : lanes) {
    marks += svg::text("tick end", kLeft - 10, middle(lane) + 4, fmt::format("worker {}", worker));
  }
  // One path a state: thousands of trials stay small.
  std::map<std::string_view, std::string> spans;
  for (const TrialSummary& trial : run.trials) {
    const bool took_time = trial.end_seconds > trial.start_seconds;
    if (!took_time) continue;
    const double width = std::max((trial.end_seconds - trial.start_seconds) * scale - 0.8, 0.6);
    spans[trial.on_front ? "front" : search::to_string(trial.state)] +=
        fmt::format("M{} {}h{}", svg::pixels(x(trial.start_seconds)),
                    svg::pixels(middle(lanes.at(trial.worker))), svg::pixels(width));
  }
  for (const auto& [state, data] : spans) marks += svg::path(fmt::format("span {}", state), data);

  const std::string geometry = fmt::format(
      "id=\"timeline\" data-left=\"{}\" data-scale=\"{}\" data-start=\"{}\" "
      "data-top=\"{}\" data-lane=\"{}\"",
      kLeft, scale, times.low, kTop, kLane);
  return svg::open(kWidth, bottom + 26, "plot",
                   fmt::format("What {} worked on, and when", counted(lanes.size(), "worker")),
                   geometry) +
         marks + "</svg>";
}

}  // namespace hwnas::report
