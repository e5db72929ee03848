#include "engine/front.hpp"

#include "core/error.hpp"

namespace hwnas::engine {

double best_known_value(std::span<const report::MetricValue> metrics, std::string_view name) {
  const report::MetricValue* best = nullptr;
  for (const report::MetricValue& metric : metrics) {
    if (metric.name == name && (best == nullptr || metric.origin > best->origin)) best = &metric;
  }
  if (best == nullptr) throw error(ErrorCode::kInternal, "no value of the metric '{}'", name);
  return best->value;
}

std::vector<double> minimised_objectives(std::span<const Objective> objectives,
                                         std::span<const report::MetricValue> metrics) {
  std::vector<double> values;
  for (const Objective& objective : objectives) {
    const double value = best_known_value(metrics, objective.metric);
    values.push_back(objective.maximize ? -value : value);
  }
  return values;
}

search::ParetoArchive pareto_front(std::span<const Objective> objectives,
                                   std::span<const TrialRecord> trials) {
  search::ParetoArchive archive;
  for (const TrialRecord& trial : trials) {
    if (trial.state != search::TrialState::kComplete) continue;
    archive.insert({trial.id, minimised_objectives(objectives, trial.metrics)});
  }
  return archive;
}

}  // namespace hwnas::engine
