#pragma once

#include <string>

#include "report/metric.hpp"
#include "report/run_summary.hpp"
#include "report/svg.hpp"

/// The parts of the page, each a piece of HTML that works without JavaScript. Internal to report/.
namespace hwnas::report {

/// What was chosen, what it costs, and how much of each limit it uses.
std::string headline_section(const RunSummary& run);
/// The front with limits; its container is redrawn by assets/front.js when another axis is asked
/// for.
std::string front_section(const RunSummary& run);
std::string rank_check_section(const RunSummary& run);
/// How likely each option is to the distribution that the search started from.
std::string differentiable_section(const RunSummary& run);
std::string finalists_section(const RunSummary& run);
/// What each pass did, and every layer's format and costs after the last one that was accepted.
std::string compression_section(const RunSummary& run);
/// Hypervolume and learning curves.
std::string progress_section(const RunSummary& run);
/// Every finalist's network as a graph beside its costs layer by layer, the chosen one opened.
std::string network_section(const RunSummary& run);
/// Predicted against measured, for every metric that has both.
std::string calibration_section(const RunSummary& run);
std::string parallel_section(const RunSummary& run);
std::string trials_section(const RunSummary& run);
/// Workers, stages, artifacts, machine and configuration.
std::string provenance_section(const RunSummary& run);

/// Heading, one sentence on how to read it, and content.
std::string section(std::string_view id, std::string_view heading, std::string_view lead_html,
                    std::string_view content);
/// A picture with a caption above it.
std::string figure(std::string_view caption_html, std::string_view picture,
                   std::string_view classes = "");
/// The style and the background that a chart needs where it is a file of its own.
std::string own_style(const svg::Layout& layout);
/// "<span class=origin …>predicted</span>".
std::string origin_badge(estimators::Origin origin);
/// "3.12 ms ± 0.21 predicted", marked up.
std::string value_with_origin(const MetricValue& value);
/// The same in plain words, for tips.
std::string describe_value(const MetricValue& value);
/// "trial 12: validation top-1 91.25 % (measured), …": the objectives and limits of a trial.
std::string describe_trial(const RunSummary& run, const TrialSummary& trial);
/// "latency (ms, predicted)": names every origin that the trials' best-known values have.
std::string axis_title(const RunSummary& run, const MetricStyle& style, const AxisUnit& unit);

/// The Pareto front as one SVG, empty where there is nothing to show; `behind` is drawn before all.
std::string front_chart(const RunSummary& run, std::string_view behind = "");

/// What assets/*.js read: the trials by column. Escaped for the inside of a <script>.
std::string page_data(const RunSummary& run);

/// With more trials than this, tables and lines of single trials are left to JavaScript.
inline constexpr std::size_t kStaticTrials = 200;

}  // namespace hwnas::report
