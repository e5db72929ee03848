#include <fmt/format.h>

#include <set>

#include "report/network_boxes.hpp"
#include "report/network_plot.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

std::string operator_legend(const ir::Network& network) {
  std::set<BoxKind> kinds;
  for (const Box& box : fold_into_boxes(network)) kinds.insert(box.kind);
  std::string legend;
  for (const BoxKind kind : kinds) {
    legend += fmt::format("<span><i class=\"key block {}\"></i> {}</span> ", class_name(kind),
                          plain_name(kind));
  }
  return fmt::format(
      "<p class=\"legend-row\">{}<span class=\"aside\">dashed bars are "
      "predictions</span></p>",
      legend);
}

std::string finalist_network(const FinalistSummary& finalist, bool open) {
  if (finalist.network.layers.empty()) return "";
  const std::string title = fmt::format(
      "Trial {}{}: {}, {} parameters, {} MACs", finalist.trial, finalist.chosen ? " (chosen)" : "",
      counted(finalist.network.layers.size(), "layer"),
      format_value(metric_style("parameters"),
                   static_cast<double>(ir::parameters(finalist.network))),
      format_value(metric_style("macs"), static_cast<double>(ir::macs(finalist.network))));
  const std::string shares = operator_shares_chart(finalist);
  return fmt::format(
      "<details class=\"network\"{}><summary>{}</summary>{}{}"
      "<div class=\"picture wide scroll\">{}</div></details>",
      open ? " open" : "", escape(title), operator_legend(finalist.network),
      shares.empty() ? "" : fmt::format("<div class=\"picture wide\">{}</div>", shares),
      network_chart(finalist));
}

}  // namespace

std::string network_section(const RunSummary& run) {
  const FinalistSummary* chosen = chosen_finalist(run);
  std::string content;
  if (chosen != nullptr) content += finalist_network(*chosen, true);
  for (const FinalistSummary& finalist : run.finalists) {
    if (&finalist != chosen) content += finalist_network(finalist, content.empty());
  }
  if (content.empty()) return "";
  return section(
      "network", "Network",
      "Each box is one executed operator: batch norm and activation belong to the "
      "convolution before them. Arcs are connections that skip boxes. Shapes are channels "
      "× height × width. Activations alive: inputs, output and all that is needed later, "
      "in this order, with elementwise operators in place.",
      content);
}

}  // namespace hwnas::report
