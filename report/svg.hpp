#pragma once

#include <limits>
#include <string>
#include <string_view>
#include <vector>

/// A small chart toolkit: scales, axes and marks as SVG text. Colours and fonts are classes, given
/// meaning by assets/plot.css.
namespace hwnas::report::svg {

/// An interval of data values or pixels; empty until something is included.
struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  bool empty() const { return low > high; }
  double span() const { return high - low; }
  /// Values that are not finite are left out.
  void include(double value);
  /// Wider by a fraction of its span on both sides. Never empty nor of no width, so that it can be
  /// an axis: nothing becomes [0, 1], one value v becomes v ± |v|/10 (or ± 1).
  Range padded(double fraction) const;
};

/// Multiples of 1, 2, 2.5 or 5 times a power of ten inside the range, about `count` of them.
std::vector<double> nice_ticks(const Range& range, int count);

struct Axis {
  std::string title;
  Range range;         ///< not empty
  double divisor = 1;  ///< tick labels show value / divisor
  int ticks = 5;       ///< about how many
  bool whole = false;  ///< ticks at whole numbers only
};

struct Layout {
  double width = 480;
  double height = 300;
  double left = 54;
  double right = 16;
  double top = 14;
  double bottom = 46;
};

/// A chart with two axes under construction: map values to pixels, add marks, finish.
class Plot {
 public:
  /// `description` is read out in place of the picture.
  Plot(const Layout& layout, Axis x, Axis y, std::string_view description);

  /// Pixels; values beyond the axis land on its end.
  double x(double value) const;
  double y(double value) const;
  const Layout& layout() const { return layout_; }
  double right() const { return layout_.width - layout_.right; }
  double bottom() const { return layout_.height - layout_.bottom; }

  Plot& add(std::string_view mark);
  /// `behind` is drawn before the axes.
  std::string finish(std::string_view behind = "") &&;

 private:
  std::string axes() const;

  Layout layout_;
  Axis x_axis_;
  Axis y_axis_;
  std::string description_;
  std::string marks_;
};

/// A pixel coordinate with at most one decimal.
std::string pixels(double value);

/// "<svg …>": `extra` are further attributes.
std::string open(double width, double height, std::string_view classes,
                 std::string_view description, std::string_view extra = "");

// Marks. `tip`, plain text, shows on hover; empty: none.
std::string circle(std::string_view classes, double x, double y, double radius,
                   std::string_view tip = "");
std::string rect(std::string_view classes, double x, double y, double width, double height,
                 double corner = 0, std::string_view tip = "");
std::string line(std::string_view classes, double x1, double y1, double x2, double y2);
std::string path(std::string_view classes, std::string_view data, std::string_view tip = "");
/// `text` is plain.
std::string text(std::string_view classes, double x, double y, std::string_view text);

/// Path data of a dot (drawn by a round line cap): thousands of them fit into one path.
std::string dot(double x, double y);
/// Path data through points; "L" joins them, "V" and "H" are up to the caller.
std::string polyline(const std::vector<double>& xs, const std::vector<double>& ys);

}  // namespace hwnas::report::svg
