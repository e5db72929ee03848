#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace hwnas::service {

/// Objectives, limits, trials and curves of a run, as PageData::job describes them. At most 5000
/// trials: those of the front, and the newest; and 60 curves: of trials that are running, of the
/// front, and of the newest. `run`: the run's folder, which holds a run.
nlohmann::json run_json(const std::filesystem::path& run);

}  // namespace hwnas::service
