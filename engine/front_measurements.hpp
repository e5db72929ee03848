#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "engine/device_measurer.hpp"
#include "engine/run_context.hpp"
#include "search/pareto.hpp"

namespace hwnas::engine {

/// Which candidates of a search are measured on the device, and what the strategy hears of it. Does
/// nothing in experiments without `measurement`. One thread.
///
/// A trial is due if it is each k-th that predictions put on the front of what the strategy was
/// told. Only of due trials does the strategy hear measured values: those measured at the end of
/// the search would make it hear something else when it is resumed.
class FrontMeasurements {
 public:
  explicit FrontMeasurements(RunContext& run);

  /// Whether the trial, about to be told, is due. Asked once for each trial, in the order in which
  /// they are told; again if measure was interrupted.
  bool is_due(const TrialRecord& trial) const;

  /// The trial as the strategy is to be told of it, and noted as told. What a measurement found to
  /// break a limit is infeasible, what the device does not run has failed.
  search::Trial told(const TrialRecord& trial, bool due);

  /// Measures the trial's network and stores the result, in `trial`, too. False if the run was
  /// interrupted. Nothing else should load this machine, which may be or talk to the device.
  bool measure(TrialRecord& trial, const ir::Network& network);

  /// A point of the front, as the measurements leave it, that has not been measured: an index into
  /// `trials`. Throws FailedPrecondition if they leave nothing.
  std::optional<std::size_t> next_unmeasured(const std::vector<TrialRecord>& trials) const;

  /// The front of what the strategy was told.
  const search::ParetoArchive& front() const { return front_; }

 private:
  bool would_join_front(const TrialRecord& trial) const;

  RunContext& run_;
  const Experiment& experiment_;
  std::optional<DeviceMeasurer> device_;
  search::ParetoArchive front_;
  std::size_t candidates_ = 0;  ///< told ones that predictions put on the front
};

/// "latency_ms 3.1 measured, 2.8 predicted", or why there is no measurement; of a measured trial.
std::string describe_measurement(const TrialRecord& trial);

}  // namespace hwnas::engine
