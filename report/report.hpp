#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/run_summary.hpp"

#include <nlohmann/json_fwd.hpp>

namespace hwnas::report {

/// One self-contained page: no network access, no script from elsewhere, Content-Security-Policy
/// set, every string from the run escaped. Readable without JavaScript and in print. At most 2 MB
/// for 5,000 trials.
std::string render_html(const RunSummary& run);

/// The Pareto front of render_html alone, as an SVG file with its own style, light and dark.
std::string render_front_svg(const RunSummary& run);

/// A network with one metric predicted, and measured or emulated.
struct Calibration {
  std::string name;
  MetricValue predicted;
  MetricValue measured;
};

/// Predictions over measurements, of one metric and at least one network, as an SVG file with its
/// own style: whiskers are the predictions' 90 % intervals, the band is ± 10 %.
std::string render_calibration_svg(std::span<const Calibration> networks);

/// The same content as render_html's for machines; schema "hwnas.report/3" (docs/report.md).
nlohmann::json render_json(const RunSummary& run);

/// One line a trial. A metric has one column for each origin that its values have
/// ("latency_ms.predicted"), and one more for the standard deviation where one is known
/// ("latency_ms.predicted.standard_deviation"). RFC 4180; text that a spreadsheet would take for a
/// formula is quoted with an apostrophe.
std::string render_csv(const RunSummary& run);

/// Reference point and value of the hypervolume of the front after each trial: the reference is the
/// worst value seen of each objective, stretched by a tenth of its range (in minimised units), over
/// complete trials. Both are empty if there are none, and for other than 1 to 3 objectives.
struct HypervolumeCurve {
  std::vector<double> reference;
  std::vector<double> values;  ///< one a trial, in id order; never decreasing
};
HypervolumeCurve hypervolume_curve(const RunSummary& run);

/// Cross-entropies with shared weights over accuracies of the same networks trained alone, at least
/// one, as an SVG file with its own style.
std::string render_rank_check_svg(const RankCheckSummary& check);

/// "Kendall's tau 0.71, 95 % interval 0.55 to 0.83, over 20 networks", and whether it was enough.
std::string describe_rank_check(const RankCheckSummary& check);

/// "yields 3-0-1, cross-entropy 0.412 nats, latency 3.1 ms; …", or why it was skipped.
std::string describe_differentiable(const DifferentiableSummary& found);

}  // namespace hwnas::report
