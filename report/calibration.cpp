#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/report.hpp"
#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

constexpr svg::Layout kLayout{.width = 480, .height = 340};

using estimators::Origin;

struct Pair {
  std::string who;
  const MetricValue* predicted = nullptr;
  const MetricValue* measured = nullptr;  ///< or emulated
};

const MetricValue* measured_or_emulated(std::span<const MetricValue> metrics,
                                        std::string_view name) {
  const MetricValue* const measured = with_origin(metrics, name, Origin::kMeasured);
  return measured != nullptr ? measured : with_origin(metrics, name, Origin::kEmulated);
}

std::vector<Pair> pairs_of(const RunSummary& run, const std::string& metric) {
  std::vector<Pair> pairs;
  const auto add = [&](std::string who, const std::vector<MetricValue>& metrics) {
    const MetricValue* predicted = with_origin(metrics, metric, Origin::kPredicted);
    const MetricValue* measured = measured_or_emulated(metrics, metric);
    if (predicted != nullptr && measured != nullptr) {
      pairs.push_back({std::move(who), predicted, measured});
    }
  };
  for (const TrialSummary& trial : run.trials)
    add(fmt::format("trial {}", trial.id), trial.metrics);
  for (const FinalistSummary& finalist : run.finalists) {
    add(fmt::format("finalist {}", finalist.trial), finalist.metrics);
  }
  return pairs;
}

/// Kendall's tau-a: agreement of order among all pairs.
double kendall_tau(const std::vector<Pair>& pairs) {
  double score = 0;
  double count = 0;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double product = (pairs[i].predicted->value - pairs[j].predicted->value) *
                             (pairs[i].measured->value - pairs[j].measured->value);
      score += product > 0 ? 1 : product < 0 ? -1 : 0;
      ++count;
    }
  }
  return score / count;
}

std::string findings(const std::vector<Pair>& pairs) {
  double error = 0;
  std::size_t near = 0;
  std::size_t with_interval = 0;
  std::size_t covered = 0;
  for (const auto& [who, predicted, measured] : pairs) {
    const double off = std::abs(predicted->value - measured->value);
    const double relative = off / std::max(std::abs(measured->value), 1e-300);
    error += relative;
    if (relative <= 0.1) ++near;
    if (predicted->standard_deviation <= 0) continue;
    ++with_interval;
    if (off <= half_interval(*predicted)) ++covered;
  }
  const auto n = static_cast<double>(pairs.size());
  std::string text =
      fmt::format("{}: mean error {:.1f} %, {} of {} within 10 %", counted(pairs.size(), "network"),
                  100 * error / n, near, pairs.size());
  if (with_interval > 0) {
    text += fmt::format(", {} of {} inside the 90 % interval", covered, with_interval);
  }
  constexpr std::size_t kFewestForOrder = 3;
  if (pairs.size() >= kFewestForOrder)
    text += fmt::format(", Kendall τ {:.2f}", kendall_tau(pairs));
  return text + ".";
}

std::string table(const std::vector<Pair>& pairs) {
  constexpr std::size_t kMostRows = 12;
  std::string rows;
  for (std::size_t i = 0; i < std::min(pairs.size(), kMostRows); ++i) {
    const auto& [who, predicted, measured] = pairs[i];
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{:+.1f} %</td></tr>", who,
        escape(format_with_interval(*predicted)), escape(format_with_interval(*measured)),
        100 * (predicted->value / measured->value - 1));
  }
  return fmt::format(
      "<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">network</th>"
      "<th scope=\"col\">predicted</th><th scope=\"col\">measured</th><th scope=\"col\">error</th>"
      "</tr></thead><tbody>{}</tbody></table>{}</div>",
      rows, pairs.size() > kMostRows ? "<p class=\"note\">trials.csv has all.</p>" : "");
}

/// `behind` is drawn before the axes.
std::string chart(const std::vector<Pair>& pairs, const MetricStyle& style,
                  std::string_view behind = "") {
  svg::Range range;
  for (const auto& [who, predicted, measured] : pairs) {
    range.include(measured->value);
    range.include(predicted->value - half_interval(*predicted));
    range.include(predicted->value + half_interval(*predicted));
  }
  range = range.padded(0.08);
  range.low = std::max(range.low, 0.0);
  const AxisUnit unit = axis_unit(style, range.high);
  const auto axis = [&](Origin origin) {
    const std::string inside = fmt::format("{}{}{}", unit.unit, unit.unit.empty() ? "" : ", ",
                                           estimators::to_string(origin));
    return svg::Axis{.title = fmt::format("{} ({})", style.label, inside),
                     .range = range,
                     .divisor = unit.divisor};
  };
  svg::Plot plot(kLayout, axis(pairs.front().measured->origin), axis(Origin::kPredicted),
                 fmt::format("Predicted over measured {}", style.label));
  const auto corner = [&](double x, double y) {
    return fmt::format("{} {}", svg::pixels(plot.x(x)), svg::pixels(plot.y(y)));
  };
  const double low = range.low;
  const double high = range.high;
  const std::string band = fmt::format(
      "M{}L{}L{}L{}L{}L{}Z", corner(low, low), corner(low / 0.9, low), corner(high, high * 0.9),
      corner(high, high), corner(high / 1.1, high), corner(low, low * 1.1));
  plot.add(svg::path("band", band))
      .add(svg::line("diagonal", plot.x(low), plot.y(low), plot.x(high), plot.y(high)));
  for (const auto& [who, predicted, measured] : pairs) {
    const double x = plot.x(measured->value);
    const double half = half_interval(*predicted);
    if (half > 0) {
      plot.add(svg::line("whisker", x, plot.y(predicted->value - half), x,
                         plot.y(predicted->value + half)));
    }
    plot.add(svg::circle(
        "front", x, plot.y(predicted->value), 4.5,
        fmt::format("{}\n{}\n{}", who, describe_value(*predicted), describe_value(*measured))));
  }
  return std::move(plot).finish(behind);
}

}  // namespace

std::string render_calibration_svg(std::span<const Calibration> networks) {
  std::vector<Pair> pairs;
  for (const Calibration& network : networks) {
    pairs.push_back({network.name, &network.predicted, &network.measured});
  }
  return chart(pairs, metric_style(networks.front().predicted.name), own_style(kLayout));
}

std::string calibration_section(const RunSummary& run) {
  std::string figures;
  for (const std::string& metric : metric_names(run)) {
    const std::vector<Pair> pairs = pairs_of(run, metric);
    if (pairs.empty()) continue;
    const MetricStyle style = metric_style(metric);
    figures += fmt::format(
        "<div class=\"pair top\">{}<div><h3>How far off</h3><p class=\"lead\">{}</p>{}</div></div>",
        figure(fmt::format("<strong>{}</strong>", escape(style.label)), chart(pairs, style)),
        findings(pairs), table(pairs));
  }
  if (figures.empty()) {
    return section(
        "calibration", "Predicted against measured", "",
        "<p class=\"empty\">Nothing was both predicted and measured in this run: the costs "
        "above are what their badges say.</p>");
  }
  return section(
      "calibration", "Predicted against measured",
      "On the line, a prediction equals the measurement; the band is ± 10 %; whiskers are "
      "the predictions' own 90 % intervals.",
      figures);
}

}  // namespace hwnas::report
