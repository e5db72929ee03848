#include "engine/front_measurements.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/error.hpp"
#include "engine/front.hpp"

namespace hwnas::engine {
namespace {

using search::TrialState;

std::optional<DeviceMeasurer> device_of(const RunContext& run) {
  if (!run.experiment().measurement) return std::nullopt;
  return DeviceMeasurer(*run.experiment().measurement, run.folder() / "measurements");
}

/// A trial's metrics before anything was measured on the device.
std::vector<report::MetricValue> unmeasured(const TrialRecord& trial) {
  std::vector<report::MetricValue> metrics;
  std::ranges::copy_if(trial.metrics, std::back_inserter(metrics), [](const auto& metric) {
    return metric.name != "latency_ms" || metric.origin == estimators::Origin::kPredicted;
  });
  return metrics;
}

}  // namespace

FrontMeasurements::FrontMeasurements(RunContext& run)
    : run_(run), experiment_(run.experiment()), device_(device_of(run)) {}

bool FrontMeasurements::would_join_front(const TrialRecord& trial) const {
  if (!device_ || trial.state != TrialState::kComplete) return false;
  search::ParetoArchive front = front_;
  return front.insert({trial.id, minimised_objectives(experiment_.objectives, unmeasured(trial))});
}

bool FrontMeasurements::is_due(const TrialRecord& trial) const {
  return would_join_front(trial) &&
         candidates_ % static_cast<std::size_t>(experiment_.measurement->every) == 0;
}

search::Trial FrontMeasurements::told(const TrialRecord& record, bool due) {
  if (would_join_front(record)) ++candidates_;
  search::Trial trial{record.id, record.genotype, *record.state, {}, record.violation};
  const double violation = due ? measured_violation(experiment_.limits, record) : 0;
  if (due && !runs_on_device(record)) {
    trial.state = TrialState::kFailed;
  } else if (violation > 0) {
    trial.state = TrialState::kInfeasible;
    trial.violation = violation;
  } else if (record.state == TrialState::kComplete || record.state == TrialState::kStopped) {
    trial.objectives = minimised_objectives(experiment_.objectives,
                                            device_ && !due ? unmeasured(record) : record.metrics);
  }
  if (trial.state == TrialState::kComplete) front_.insert({trial.id, trial.objectives});
  return trial;
}

bool FrontMeasurements::measure(TrialRecord& trial, const ir::Network& network) {
  try {
    trial.measurement = device_->measure(network, fmt::format("trial_{}", trial.id), run_.drain());
  } catch (const Error& failure) {
    if (failure.code() != ErrorCode::kCancelled) throw;
    return false;
  }
  std::vector<report::MetricValue> metrics;
  if (const auto latency = measured_latency(*trial.measurement)) metrics.push_back(*latency);
  run_.store().add_measurement(trial.id, *trial.measurement, metrics);
  std::ranges::copy(metrics, std::back_inserter(trial.metrics));
  return true;
}

std::optional<std::size_t> FrontMeasurements::next_unmeasured(
    const std::vector<TrialRecord>& trials) const {
  if (!device_) return std::nullopt;
  const search::ParetoArchive front = pareto_front(experiment_, trials);
  if (front.points().empty()) {
    throw error(ErrorCode::kFailedPrecondition,
                "every candidate for the front breaks a limit when it is measured, or does not run "
                "on the device: widen the limits, or ask them for more confidence");
  }
  for (const search::ParetoPoint& point : front.points()) {
    if (!trials[point.id].measurement) return point.id;
  }
  return std::nullopt;
}

std::string describe_measurement(const TrialRecord& trial) {
  const auto latency = measured_latency(*trial.measurement);
  if (!latency) {
    return fmt::format("{}: {}", measurement::to_string(trial.measurement->status),
                       trial.measurement->reason);
  }
  return fmt::format("{} {:.4g} {}, {:.4g} predicted", latency->name, latency->value,
                     estimators::to_string(latency->origin),
                     best_known_value(unmeasured(trial), latency->name));
}

}  // namespace hwnas::engine
