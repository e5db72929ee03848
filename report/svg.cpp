#include "report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include "report/text.hpp"

namespace hwnas::report::svg {

namespace {

double nice_step(double span, int count) {
  const double raw = span / std::max(count, 1);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (raw <= factor * power * 1.0001) return factor * power;
  }
  return 10 * power;
}

std::string title(std::string_view tip) {
  return tip.empty() ? "" : fmt::format("<title>{}</title>", escape(tip));
}

std::string element(std::string_view name, std::string_view classes, std::string_view attributes,
                    std::string_view tip) {
  if (tip.empty()) return fmt::format("<{} class=\"{}\" {}/>", name, classes, attributes);
  return fmt::format("<{0} class=\"{1}\" {2}>{3}</{0}>", name, classes, attributes, title(tip));
}

}  // namespace

void Range::include(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
}

Range Range::padded(double fraction) const {
  if (empty()) return {0, 1};
  const double smallest = 1e-9 * std::max(std::abs(low), std::abs(high));
  if (span() <= smallest) {
    const double margin = low == 0 ? 1 : std::abs(low) / 10;
    return {low - margin, high + margin};
  }
  return {low - fraction * span(), high + fraction * span()};
}

std::vector<double> nice_ticks(const Range& range, int count) {
  assert(range.span() > 0);
  const double step = nice_step(range.span(), count);
  std::vector<double> ticks;
  const double slack = 1e-9 * range.span();
  for (double i = std::ceil((range.low - slack) / step); i * step <= range.high + slack; ++i) {
    ticks.push_back(i == 0 ? 0 : i * step);
  }
  return ticks;
}

Plot::Plot(const Layout& layout, Axis x, Axis y, std::string_view description)
    : layout_(layout), x_axis_(std::move(x)), y_axis_(std::move(y)), description_(description) {}

double Plot::x(double value) const {
  const double share = (value - x_axis_.range.low) / x_axis_.range.span();
  return layout_.left + std::clamp(share, 0.0, 1.0) * (right() - layout_.left);
}

double Plot::y(double value) const {
  const double share = (value - y_axis_.range.low) / y_axis_.range.span();
  return bottom() - std::clamp(share, 0.0, 1.0) * (bottom() - layout_.top);
}

Plot& Plot::add(std::string_view mark) {
  marks_ += mark;
  return *this;
}

std::string Plot::axes() const {
  std::string result;
  for (const double tick : nice_ticks(x_axis_.range, x_axis_.ticks)) {
    if (x_axis_.whole && tick != std::round(tick)) continue;
    result += line("grid", x(tick), layout_.top, x(tick), bottom());
    result +=
        text("tick mid", x(tick), bottom() + 16, fmt::format("{:.6g}", tick / x_axis_.divisor));
  }
  for (const double tick : nice_ticks(y_axis_.range, y_axis_.ticks)) {
    result += line("grid", layout_.left, y(tick), right(), y(tick));
    result += text("tick end", layout_.left - 7, y(tick) + 4,
                   fmt::format("{:.6g}", tick / y_axis_.divisor));
  }
  result += line("axis", layout_.left, bottom(), right(), bottom());
  result += text("axis-title mid", (layout_.left + right()) / 2, layout_.height - 8, x_axis_.title);
  const double middle = (layout_.top + bottom()) / 2;
  result += fmt::format(
      "<text class=\"axis-title mid\" transform=\"translate(13 {}) rotate(-90)\">"
      "{}</text>",
      pixels(middle), escape(y_axis_.title));
  return result;
}

std::string Plot::finish(std::string_view behind) && {
  return fmt::format("{}{}{}{}</svg>", open(layout_.width, layout_.height, "plot", description_),
                     behind, axes(), marks_);
}

std::string pixels(double value) {
  const double rounded = std::round(value * 10) / 10;
  return fmt::format("{:.7g}", rounded == 0 ? 0 : rounded);
}

std::string open(double width, double height, std::string_view classes,
                 std::string_view description, std::string_view extra) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" "
      "aria-label=\"{}\"{}{}>",
      classes, pixels(width), pixels(height), escape(description), extra.empty() ? "" : " ", extra);
}

std::string circle(std::string_view classes, double x, double y, double radius,
                   std::string_view tip) {
  return element("circle", classes,
                 fmt::format("cx=\"{}\" cy=\"{}\" r=\"{}\"", pixels(x), pixels(y), pixels(radius)),
                 tip);
}

std::string rect(std::string_view classes, double x, double y, double width, double height,
                 double corner, std::string_view tip) {
  std::string attributes = fmt::format("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", pixels(x),
                                       pixels(y), pixels(std::max(width, 0.0)), pixels(height));
  if (corner > 0) attributes += fmt::format(" rx=\"{}\"", pixels(corner));
  return element("rect", classes, attributes, tip);
}

std::string line(std::string_view classes, double x1, double y1, double x2, double y2) {
  return element("line", classes,
                 fmt::format("x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"", pixels(x1), pixels(y1),
                             pixels(x2), pixels(y2)),
                 "");
}

std::string path(std::string_view classes, std::string_view data, std::string_view tip) {
  return element("path", classes, fmt::format("d=\"{}\"", data), tip);
}

std::string text(std::string_view classes, double x, double y, std::string_view text) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>", classes, pixels(x),
                     pixels(y), escape(text));
}

std::string dot(double x, double y) {
  return fmt::format("M{} {}h0", pixels(x), pixels(y));
}

std::string polyline(const std::vector<double>& xs, const std::vector<double>& ys) {
  assert(xs.size() == ys.size());
  std::string data;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    data += fmt::format("{}{} {}", i == 0 ? "M" : "L", pixels(xs[i]), pixels(ys[i]));
  }
  return data;
}

}  // namespace hwnas::report::svg
