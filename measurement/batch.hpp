#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "measurement/runner.hpp"

namespace hwnas::measurement {

/// How many networks are measured so that they can be compared.
struct BatchOptions {
  std::uint64_t seed = 1;  ///< of the order
  /// A network measured first, after every `reference_every` others, and last. Its value must stay
  /// within `max_drift` of the first one's, relative.
  Artifact reference;
  int reference_every = 10;
  double max_drift = 0.02;
  int attempts = 2;  ///< at networks between which it did not
  /// What an interrupted batch of the same artifacts had recorded, in that order.
  std::vector<Measurement> recorded = {};
  /// Called with everything that goes into `recorded` of a resumed batch, as soon as it holds:
  /// measurements of the reference, and those of networks once the reference after them agrees.
  std::function<void(const Measurement&)> record = [](const Measurement&) {};
};

struct Batch {
  std::vector<Measurement> measurements;  ///< one an artifact, in their order
  std::vector<Measurement> references;    ///< in the order of time; with those recorded before
  int remeasured = 0;                     ///< networks thrown away because the reference drifted
};

/// Measures in a random order, so that what changes with time does not look like a property of
/// size. Networks between two measurements of the reference that differ by more than max_drift are
/// measured again, and are kDrifted once all attempts are used up. Failed measurements are results
/// like others. Deterministic but for what is measured.
///
/// Throws FailedPrecondition if the reference cannot be measured at first, InvalidArgument for
/// options out of range and artifacts of the same name (or the reference's), and what
/// Runner::measure throws.
Batch measure_all(Runner& runner, std::span<const Artifact> artifacts, const BatchOptions& options,
                  const std::stop_token& stop = {});

}  // namespace hwnas::measurement
