#include <fmt/format.h>

#include <algorithm>

#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"
#include "report/timeline_plot.hpp"

namespace hwnas::report {

namespace {

std::string stage_row(const StageSummary& stage, double longest) {
  const bool pending = stage.state == "pending";
  const double share = longest > 0 ? 100 * stage.seconds / longest : 0;
  const std::string bar = svg::open(100, 10, "meter", stage.state, "preserveAspectRatio=\"none\"") +
                          svg::rect("track", 0, 2, 100, 6, 3) +
                          svg::rect("fill", 0, 2, share, 6, 3) + "</svg>";
  return fmt::format(
      "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"meter-cell\">{}</td></tr>",
      escape(stage.name), escape(stage.state), pending ? "–" : format_duration(stage.seconds),
      pending ? "" : bar);
}

std::string stages_table(const RunSummary& run) {
  if (run.stages.empty()) return "";
  double longest = 0;
  double total = 0;
  for (const StageSummary& stage : run.stages) {
    longest = std::max(longest, stage.seconds);
    total += stage.seconds;
  }
  std::string rows;
  for (const StageSummary& stage : run.stages) rows += stage_row(stage, longest);
  return fmt::format(
      "<h3>Stages</h3><table class=\"plain\"><tbody>{}</tbody><tfoot><tr>"
      "<th scope=\"row\">together</th><td></td><td>{}</td><td></td></tr></tfoot></table>",
      rows, format_duration(total));
}

std::string artifacts_table(const RunSummary& run) {
  if (run.artifacts.empty()) return "";
  std::string rows;
  for (const ArtifactSummary& artifact : run.artifacts) {
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
        escape(artifact.format), escape(artifact.file),
        format_value(metric_style("file_bytes"), static_cast<double>(artifact.bytes)),
        escape(artifact.sha256));
  }
  return fmt::format(
      "<h3>Artifacts</h3><div class=\"scroll\"><table class=\"plain\"><thead><tr>"
      "<th scope=\"col\">format</th><th scope=\"col\">file</th><th scope=\"col\">size</th>"
      "<th scope=\"col\">SHA-256</th></tr></thead><tbody>{}</tbody></table></div>",
      rows);
}

std::string facts(const RunSummary& run) {
  std::string items;
  const auto add = [&](std::string_view term, const std::string& value) {
    if (!value.empty()) items += fmt::format("<dt>{}</dt><dd>{}</dd>", term, escape(value));
  };
  add("seed", fmt::format("{}", run.seed));
  add("started", run.started);
  add("hwnas", run.hwnas_version);
  add("machine", run.machine);
  add("device", run.device);
  add("runtime", run.runtime);
  add("space", run.space);
  add("strategy", run.strategy);
  return fmt::format("<h3>Made with</h3><dl class=\"facts\">{}</dl>", items);
}

/// Comments and keys get a colour; everything else stays as it is.
std::string coloured_yaml_line(std::string_view line) {
  const std::size_t start = std::min(line.find_first_not_of(" -"), line.size());
  if (start < line.size() && line[start] == '#') {
    return fmt::format("<span class=\"comment\">{}</span>", escape(line));
  }
  const std::size_t colon = line.find(':', start);
  const bool has_key =
      colon != std::string_view::npos &&
      line.substr(start, colon - start).find_first_of(" {[\"'#") == std::string_view::npos;
  if (!has_key) return escape(line);
  return fmt::format("{}<span class=\"yaml-key\">{}</span>{}", escape(line.substr(0, start)),
                     escape(line.substr(start, colon - start)), escape(line.substr(colon)));
}

std::string configuration(const RunSummary& run) {
  if (run.config_yaml.empty()) return "";
  std::string lines;
  std::string_view rest = run.config_yaml;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines += coloured_yaml_line(rest.substr(0, end)) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return fmt::format("<h3>Configuration</h3><pre class=\"yaml\"><code>{}</code></pre>", lines);
}

}  // namespace

std::string provenance_section(const RunSummary& run) {
  std::string content;
  const std::string timeline = timeline_chart(run);
  if (!timeline.empty()) {
    content += figure(
        "<strong>Workers</strong>: <i class=\"key front\"></i> front, <i class=\"key "
        "complete\"></i> dominated, <i class=\"key stopped\"></i> stopped, <i class=\"key "
        "failed\"></i> failed, <i class=\"key infeasible\"></i> infeasible.",
        timeline, "wide");
  }
  content += fmt::format("<div class=\"pair top\"><div>{}</div><div>{}</div></div>",
                         stages_table(run), facts(run));
  content += artifacts_table(run) + configuration(run);
  return section("run", "Run", "", content);
}

}  // namespace hwnas::report
