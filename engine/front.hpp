#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/experiment.hpp"
#include "engine/store.hpp"
#include "search/pareto.hpp"

namespace hwnas::engine {

/// A metric; of several of its name, the measured one before the emulated before the predicted.
/// Throws Internal if there is none.
const report::MetricValue& best_known(std::span<const report::MetricValue> metrics,
                                      std::string_view name);
double best_known_value(std::span<const report::MetricValue> metrics, std::string_view name);

/// The values of a trial's objectives, those to be maximised negated. Throws Internal if one is
/// missing.
std::vector<double> minimised_objectives(std::span<const Objective> objectives,
                                         std::span<const report::MetricValue> metrics);

/// By how much measured values break limits: the sum of value / bound − 1, as search::Trial's.
double measured_violation(std::span<const Limit> limits, const TrialRecord& trial);

/// False if the device was asked and refused the network or crashed on it.
bool runs_on_device(const TrialRecord& trial);

/// The non-dominated ones of the complete trials, without those that a measurement has found to
/// break a limit or that the device does not run.
search::ParetoArchive pareto_front(const Experiment& experiment,
                                   std::span<const TrialRecord> trials);

}  // namespace hwnas::engine
