#pragma once

#include <string>

#include "engine/experiment.hpp"
#include "engine/store.hpp"

namespace hwnas::engine {

/// RFC 3339, UTC, to the second.
std::string utc_now();
/// "Intel(R) Xeon(R) …, 2 cores"
std::string machine_description();

/// What the store keeps of a run that is about to start.
RunRecord record_of(const Experiment& experiment);
Experiment stored_experiment(const StoreReader& store);

}  // namespace hwnas::engine
