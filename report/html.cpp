#include <fmt/format.h>

#include "report/assets.hpp"
#include "report/report.hpp"
#include "report/sections.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

/// Nothing may load, and no script or style run but the page's own.
std::string policy(std::string_view style, std::string_view script) {
  return fmt::format(
      "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; "
      "form-action 'none'",
      csp_hash(style), csp_hash(script));
}

std::string head(const RunSummary& run, std::string_view style) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>{} · hwnas report</title>\n<style>{}</style>\n</head>\n",
      policy(style, assets::script), escape(run.name), style);
}

std::string banner(const RunSummary& run) {
  const std::string target =
      run.runtime.empty() ? run.device : fmt::format("{} with {}", run.device, run.runtime);
  std::string facts;
  const auto add = [&](std::string_view term, const std::string& value) {
    if (!value.empty())
      facts += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", term, escape(value));
  };
  add("device", target);
  add("space", run.space);
  add("strategy", run.strategy);
  add("seed", fmt::format("{}", run.seed));
  add("started", run.started);
  return fmt::format(
      "<header class=\"banner\"><p class=\"brand\">hwnas report</p>"
      "<h1>{} <span class=\"run-state {}\">{}</span></h1><dl>{}</dl></header>\n",
      escape(run.name), escape(run.state), escape(run.state), facts);
}

struct Entry {
  std::string_view id;
  std::string_view label;
  std::string html;
};

std::string navigation(const std::vector<Entry>& entries) {
  std::string links;
  for (const Entry& entry : entries) {
    if (!entry.html.empty()) links += fmt::format("<a href=\"#{}\">{}</a>", entry.id, entry.label);
  }
  return fmt::format("<nav aria-label=\"Sections\">{}</nav>\n", links);
}

std::string footer(const RunSummary& run) {
  using estimators::Origin;
  return fmt::format(
      "<footer><p>{} counted on the network itself. {} by a cost model, with its 90 % interval "
      "after ±. {} by running the network in an emulator. {} by running it.</p>"
      "<p>Written by hwnas {} from the store of the run alone. No part of this page is loaded from "
      "elsewhere.</p></footer>\n",
      origin_badge(Origin::kExact), origin_badge(Origin::kPredicted),
      origin_badge(Origin::kEmulated), origin_badge(Origin::kMeasured), escape(run.hwnas_version));
}

}  // namespace

std::string render_html(const RunSummary& run) {
  const std::string style = fmt::format("{}{}", assets::plot_style, assets::page_style);
  const std::vector<Entry> entries = {{"summary", "Summary", headline_section(run)},
                                      {"supernet", "Supernet", rank_check_section(run)},
                                      {"distribution", "Start", differentiable_section(run)},
                                      {"front", "Front", front_section(run)},
                                      {"finalists", "Finalists", finalists_section(run)},
                                      {"compression", "Compression", compression_section(run)},
                                      {"network", "Network", network_section(run)},
                                      {"progress", "Progress", progress_section(run)},
                                      {"calibration", "Predictions", calibration_section(run)},
                                      {"parallel", "All trials", parallel_section(run)},
                                      {"trials", "Table", trials_section(run)},
                                      {"run", "Run", provenance_section(run)}};
  std::string page = head(run, style) + "<body>\n" + banner(run) + navigation(entries) + "<main>\n";
  for (const Entry& entry : entries) page += entry.html;
  page += "</main>\n" + footer(run);
  page += fmt::format(
      "<div id=\"tip\" role=\"status\" hidden></div>\n"
      "<script type=\"application/json\" id=\"data\">{}</script>\n"
      "<script>{}</script>\n</body>\n</html>\n",
      page_data(run), assets::script);
  return page;
}

}  // namespace hwnas::report
