#include "report/network_plot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "report/metric.hpp"
#include "report/network_boxes.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

using estimators::Origin;

/// A cost by box.
struct Column {
  MetricStyle style;
  std::string heading;
  std::string total;
  Origin origin = Origin::kPredicted;
  std::vector<double> values;
};

/// Origin of a per-layer cost: they come from cost models, so never better than the model's.
Origin origin_of(const FinalistSummary& finalist, const std::string& metric) {
  for (const Origin origin : {Origin::kExact, Origin::kPredicted, Origin::kEmulated}) {
    if (with_origin(finalist.metrics, metric, origin) != nullptr) return origin;
  }
  return Origin::kPredicted;
}

std::optional<Column> column_of(const FinalistSummary& finalist, const std::vector<Box>& boxes,
                                const std::string& metric) {
  const auto found = finalist.per_layer.find(metric);
  if (found == finalist.per_layer.end()) return std::nullopt;
  if (found->second.size() != finalist.network.layers.size()) return std::nullopt;
  Column column{.style = metric_style(metric),
                .heading = {},
                .total = {},
                .origin = origin_of(finalist, metric),
                .values = {}};
  for (const Box& box : boxes) {
    double sum = 0;
    for (const int layer : box.layers) sum += found->second[static_cast<std::size_t>(layer)];
    column.values.push_back(sum);
  }
  const double total = std::accumulate(column.values.begin(), column.values.end(), 0.0);
  column.heading = column.style.label;
  column.total = fmt::format("Σ {}", format_value(column.style, total));
  return column;
}

Column memory_column(const std::vector<Box>& boxes) {
  Column column{.style = metric_style("activation_bytes"),
                .heading = "activations alive",
                .total = {},
                .origin = Origin::kExact,
                .values = {}};
  for (const Box& box : boxes) column.values.push_back(static_cast<double>(box.live_bytes));
  column.total = "peak " + format_value(column.style, std::ranges::max(column.values));
  return column;
}

/// Costs in the order in which people look at them; unknown ones follow.
std::vector<Column> columns_of(const FinalistSummary& finalist, const std::vector<Box>& boxes) {
  constexpr std::size_t kMostColumns = 4;
  std::vector<std::string> names = {"macs", "latency_ms", "energy_mj", "flash_bytes"};
  for (const auto& [name, values] : finalist.per_layer) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  std::vector<Column> columns;
  for (const std::string& name : names) {
    std::optional<Column> column = column_of(finalist, boxes, name);
    if (column && columns.size() < kMostColumns) columns.push_back(std::move(*column));
  }
  return columns;
}

std::string shape_text(const ir::Shape& shape) {
  if (shape.height == 1 && shape.width == 1) return fmt::format("{}", shape.channels);
  return fmt::format("{} × {} × {}", shape.channels, shape.height, shape.width);
}

/// Where things stand in the picture.
struct Geometry {
  double row = 34;
  double head = 58;
  double box_left = 0;
  double box_width = 330;
  double bar_width = 84;
  double column_step = 148;

  double top(int box) const { return head + row * (box + 1); }
  double middle(int box) const { return top(box) + (row - 6) / 2; }
  double column(std::size_t index) const {
    return box_left + box_width + 26 + column_step * static_cast<double>(index);
  }
};

std::string box_tip(const ir::Network& network, const Box& box, const std::vector<Column>& columns,
                    std::size_t index) {
  std::string tip = fmt::format("{}\n{}\nout {}", box.name, box.action, shape_text(box.out));
  const ir::Precision& bits =
      network.layers[static_cast<std::size_t>(box.layers.front())].precision;
  tip +=
      fmt::format("\nweights {} bit, activations {} bit", bits.weight_bits, bits.activation_bits);
  for (const Column& column : columns) {
    tip += fmt::format("\n{} {} ({})", column.heading,
                       format_value(column.style, column.values[index]),
                       estimators::to_string(column.origin));
  }
  return tip;
}

std::string box_marks(const Geometry& at, const ir::Network& network, const Box& box,
                      const std::vector<Column>& columns, int index) {
  const double top = at.top(index);
  const double height = at.row - 6;
  const std::string_view kind = class_name(box.kind);
  return fmt::format("<g class=\"box {}\"><title>{}</title>", kind,
                     escape(box_tip(network, box, columns, static_cast<std::size_t>(index)))) +
         svg::rect("body", at.box_left, top, at.box_width, height, 5) +
         svg::rect("strip", at.box_left, top, 6, height, 2) +
         svg::text("action", at.box_left + 15, top + 12.5, box.action) +
         svg::text("layer-name", at.box_left + 15, top + 24, box.name) +
         svg::text("shape end", at.box_left + at.box_width - 10, top + 18, shape_text(box.out)) +
         "</g>";
}

std::string input_marks(const Geometry& at, const ir::Shape& input) {
  return "<g class=\"box input\">" +
         svg::rect("body", at.box_left, at.top(-1), at.box_width, at.row - 6, 14) +
         svg::text("action", at.box_left + 15, at.top(-1) + 18, "input") +
         svg::text("shape end", at.box_left + at.box_width - 10, at.top(-1) + 18,
                   shape_text(input)) +
         "</g>";
}

std::string edge_marks(const Geometry& at, const std::vector<Box>& boxes,
                       const std::vector<Arc>& arcs) {
  std::string straight;
  for (int i = 0; i < static_cast<int>(boxes.size()); ++i) {
    const std::vector<int>& inputs = boxes[static_cast<std::size_t>(i)].inputs;
    if (std::ranges::find(inputs, i - 1) == inputs.end()) continue;
    straight += fmt::format("M{} {}v6", svg::pixels(at.box_left + 40), svg::pixels(at.top(i) - 6));
  }
  std::string marks = svg::path("edge", straight);
  for (const Arc& arc : arcs) {
    const double lane = at.box_left - 14 - 12.0 * arc.lane;
    const double from = at.middle(arc.from) + 5;
    const double to = at.middle(arc.to) - 5;
    marks += svg::path(
        "edge arc", fmt::format("M{0} {1}H{3}Q{2} {1} {2} {4}V{5}Q{2} {6} {3} {6}H{0}",
                                svg::pixels(at.box_left), svg::pixels(from), svg::pixels(lane),
                                svg::pixels(lane + 6), svg::pixels(from + 6), svg::pixels(to - 6),
                                svg::pixels(to)));
    marks += svg::path("arrow",
                       fmt::format("M{} {}l-6 -3.5v7z", svg::pixels(at.box_left), svg::pixels(to)));
  }
  return marks;
}

std::string column_marks(const Geometry& at, const Column& column, const std::vector<Box>& boxes,
                         double left) {
  std::string marks = svg::text("column-title", left, 18, column.heading) +
                      svg::text("column-total", left, 35, column.total) +
                      svg::text("column-origin", left, 50, estimators::to_string(column.origin));
  const double largest = std::max(std::ranges::max(column.values), 1e-300);
  const std::string_view certain = column.origin == Origin::kPredicted ? "guess" : "known";
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const double value = column.values[i];
    if (value <= 0) continue;
    const double width = std::max(at.bar_width * value / largest, 1.0);
    const double top = at.top(static_cast<int>(i));
    marks += svg::rect(fmt::format("bar {} {}", class_name(boxes[i].kind), certain), left, top + 6,
                       width, at.row - 18, 2);
    marks +=
        svg::text("bar-value", left + width + 6, top + 18.5, format_value(column.style, value));
  }
  return marks;
}

}  // namespace

std::string network_chart(const FinalistSummary& finalist) {
  const std::vector<Box> boxes = fold_into_boxes(finalist.network);
  const std::vector<Arc> arcs = arcs_between(boxes);
  std::vector<Column> columns = columns_of(finalist, boxes);
  columns.push_back(memory_column(boxes));

  int lanes = 0;
  for (const Arc& arc : arcs) lanes = std::max(lanes, arc.lane + 1);
  Geometry at;
  at.box_left = 10 + 12.0 * lanes + (lanes > 0 ? 10 : 0);
  const double width = at.column(columns.size());
  const double height = at.top(static_cast<int>(boxes.size())) + 4;

  std::string marks;
  for (std::size_t i = 0; i < boxes.size(); i += 2) {
    marks += svg::rect("zebra", 0, at.top(static_cast<int>(i)) - 3, width, at.row);
  }
  marks += edge_marks(at, boxes, arcs) + input_marks(at, finalist.network.input);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    marks += box_marks(at, finalist.network, boxes[i], columns, static_cast<int>(i));
  }
  for (std::size_t i = 0; i < columns.size(); ++i) {
    marks += column_marks(at, columns[i], boxes, at.column(i));
  }
  return svg::open(width, height, "plot network",
                   fmt::format("The network of trial {} with {} boxes and their costs",
                               finalist.trial, boxes.size())) +
         marks + "</svg>";
}

std::string operator_shares_chart(const FinalistSummary& finalist) {
  const std::vector<Box> boxes = fold_into_boxes(finalist.network);
  const std::vector<Column> columns = columns_of(finalist, boxes);
  if (columns.empty()) return "";
  constexpr double kWidth = 860;
  constexpr double kLeft = 190;
  constexpr double kRow = 36;
  const double height = kRow * static_cast<double>(columns.size()) + 4;
  std::string marks;
  double top = 2;
  for (const Column& column : columns) {
    std::map<BoxKind, double> by_kind;
    double total = 0;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      by_kind[boxes[i].kind] += column.values[i];
      total += column.values[i];
    }
    marks += svg::text("column-title end", kLeft - 12, top + 13, column.heading) +
             svg::text("column-origin end", kLeft - 12, top + 27,
                       fmt::format("{} {}", column.total, estimators::to_string(column.origin)));
    double left = kLeft;
    for (const auto& [kind, sum] : by_kind) {
      if (sum <= 0) continue;
      const double width = (kWidth - kLeft) * sum / total;
      const double percent = 100 * sum / total;
      marks += svg::rect(fmt::format("bar known {}", class_name(kind)), left, top,
                         std::max(width - 1.5, 0.5), kRow - 8, 3,
                         fmt::format("{}: {} of {}, {:.1f} %", plain_name(kind),
                                     format_value(column.style, sum), column.heading, percent));
      if (width > 34) {
        marks += svg::text("bar-value light", left + 7, top + 19, fmt::format("{:.0f} %", percent));
      }
      left += width;
    }
    top += kRow;
  }
  return svg::open(kWidth, height, "plot shares", "Share of each kind of operator in each cost") +
         marks + "</svg>";
}

}  // namespace hwnas::report
