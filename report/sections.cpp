#include "report/sections.hpp"

#include <fmt/format.h>

#include <set>

#include "report/assets.hpp"
#include "report/text.hpp"

namespace hwnas::report {

std::string section(std::string_view id, std::string_view heading, std::string_view lead_html,
                    std::string_view content) {
  const std::string lead =
      lead_html.empty() ? "" : fmt::format("<p class=\"lead\">{}</p>", lead_html);
  return fmt::format(
      "<section id=\"{0}\" aria-labelledby=\"{0}-heading\">"
      "<h2 id=\"{0}-heading\">{1}</h2>{2}{3}</section>\n",
      id, escape(heading), lead, content);
}

std::string figure(std::string_view caption_html, std::string_view picture,
                   std::string_view classes) {
  return fmt::format(
      "<figure class=\"{}\"><figcaption>{}</figcaption><div class=\"picture\">{}</div>"
      "</figure>",
      classes, caption_html, picture);
}

std::string own_style(const svg::Layout& layout) {
  return fmt::format("<style>{}</style>{}", assets::plot_style,
                     svg::rect("paper", 0, 0, layout.width, layout.height, 8));
}

std::string origin_badge(estimators::Origin origin) {
  return fmt::format("<span class=\"origin {0}\">{0}</span>", estimators::to_string(origin));
}

std::string value_with_origin(const MetricValue& value) {
  return fmt::format("<span class=\"number\">{}</span> {}", escape(format_with_interval(value)),
                     origin_badge(value.origin));
}

std::string describe_value(const MetricValue& value) {
  return fmt::format("{} {} ({})", metric_style(value.name).label, format_with_interval(value),
                     estimators::to_string(value.origin));
}

std::string describe_trial(const RunSummary& run, const TrialSummary& trial) {
  std::string text = fmt::format("trial {}, {}", trial.id, search::to_string(trial.state));
  for (const std::string& name : goal_names(run)) {
    const MetricValue* value = best_known(trial.metrics, name);
    if (value != nullptr) text += fmt::format("\n{}", describe_value(*value));
  }
  return text;
}

std::string axis_title(const RunSummary& run, const MetricStyle& style, const AxisUnit& unit) {
  std::set<estimators::Origin> origins;
  for (const TrialSummary& trial : run.trials) {
    const MetricValue* value = best_known(trial.metrics, style.name);
    if (value != nullptr) origins.insert(value->origin);
  }
  std::string inside = unit.unit;
  for (const estimators::Origin origin : origins) {
    if (!inside.empty()) inside += origin == *origins.begin() ? ", " : " or ";
    inside += estimators::to_string(origin);
  }
  return inside.empty() ? style.label : fmt::format("{} ({})", style.label, inside);
}

}  // namespace hwnas::report
