#include "engine/front.hpp"

#include <algorithm>

#include "core/error.hpp"

namespace hwnas::engine {

const report::MetricValue& best_known(std::span<const report::MetricValue> metrics,
                                      std::string_view name) {
  const report::MetricValue* best = nullptr;
  for (const report::MetricValue& metric : metrics) {
    if (metric.name == name && (best == nullptr || metric.origin > best->origin)) best = &metric;
  }
  if (best == nullptr) throw error(ErrorCode::kInternal, "no value of the metric '{}'", name);
  return *best;
}

double best_known_value(std::span<const report::MetricValue> metrics, std::string_view name) {
  return best_known(metrics, name).value;
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

double measured_violation(std::span<const Limit> limits, const TrialRecord& trial) {
  double violation = 0;
  for (const report::MetricValue& metric : trial.metrics) {
    if (metric.origin < estimators::Origin::kEmulated) continue;
    for (const Limit& limit : limits) {
      if (limit.metric == metric.name) violation += std::max(0.0, metric.value / limit.bound - 1);
    }
  }
  return violation;
}

bool runs_on_device(const TrialRecord& trial) {
  using measurement::Status;
  return !trial.measurement || (trial.measurement->status != Status::kRefused &&
                                trial.measurement->status != Status::kCrashed);
}

search::ParetoArchive pareto_front(const Experiment& experiment,
                                   std::span<const TrialRecord> trials) {
  search::ParetoArchive archive;
  for (const TrialRecord& trial : trials) {
    if (trial.state != search::TrialState::kComplete) continue;
    if (!runs_on_device(trial)) continue;
    if (measured_violation(experiment.limits, trial) > 0) continue;
    archive.insert({trial.id, minimised_objectives(experiment.objectives, trial.metrics)});
  }
  return archive;
}

}  // namespace hwnas::engine
