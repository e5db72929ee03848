#pragma once

#include <filesystem>
#include <string>

#include "report/run_summary.hpp"

#include <nlohmann/json_fwd.hpp>

namespace hwnas::report {

/// One self-contained page: no network access, no script from elsewhere, Content-Security-Policy
/// set, every string from the run escaped.
std::string render_html(const RunSummary& run);

/// The same content for machines; schema "hwnas.report/1".
nlohmann::json render_json(const RunSummary& run);

/// One line a trial, one column a metric; RFC 4180; cells that a spreadsheet would take for a
/// formula are quoted with an apostrophe.
std::string render_csv(const RunSummary& run);

/// Reference point and value of the hypervolume of the front after each trial: the reference is the
/// worst value seen of each objective, stretched by a tenth of its range (in minimised units).
struct HypervolumeCurve {
  std::vector<double> reference;
  std::vector<double> values;  ///< one a trial, in id order
};
HypervolumeCurve hypervolume_curve(const RunSummary& run);

}  // namespace hwnas::report
