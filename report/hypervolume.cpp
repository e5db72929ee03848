#include <algorithm>
#include <cmath>
#include <optional>

#include "report/metric.hpp"
#include "report/report.hpp"
#include "report/svg.hpp"
#include "search/pareto.hpp"

namespace hwnas::report {

namespace {

/// All to be minimised; nothing unless the trial is complete and every objective known.
std::optional<std::vector<double>> minimised(const RunSummary& run, const TrialSummary& trial) {
  if (trial.state != search::TrialState::kComplete) return std::nullopt;
  std::vector<double> values;
  for (const ObjectiveSpec& objective : run.objectives) {
    const MetricValue* value = best_known(trial.metrics, objective.metric);
    if (value == nullptr) return std::nullopt;
    values.push_back(objective.maximize ? -value->value : value->value);
  }
  return values;
}

std::vector<double> reference_point(const std::vector<std::optional<std::vector<double>>>& points,
                                    std::size_t objectives) {
  std::vector<double> reference;
  for (std::size_t i = 0; i < objectives; ++i) {
    svg::Range range;
    for (const auto& point : points) {
      if (point) range.include((*point)[i]);
    }
    reference.push_back(range.padded(0.1).high);
  }
  return reference;
}

}  // namespace

HypervolumeCurve hypervolume_curve(const RunSummary& run) {
  constexpr std::size_t kMostObjectives = 3;
  const std::size_t objectives = run.objectives.size();
  if (objectives == 0 || objectives > kMostObjectives) return {};
  std::vector<std::optional<std::vector<double>>> points;
  for (const TrialSummary& trial : run.trials) points.push_back(minimised(run, trial));
  if (std::ranges::none_of(points, [](const auto& point) { return point.has_value(); })) return {};

  HypervolumeCurve curve{reference_point(points, objectives), {}};
  search::ParetoArchive archive;
  double volume = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (points[i] && archive.insert({run.trials[i].id, *points[i]})) {
      // A rounded sum may be below the last one by an ulp; the front only ever grows.
      volume = std::max(volume, search::hypervolume(archive.points(), curve.reference));
    }
    curve.values.push_back(volume);
  }
  return curve;
}

}  // namespace hwnas::report
