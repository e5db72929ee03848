#pragma once

#include <filesystem>
#include <optional>

#include "report/run_summary.hpp"
#include "search/distribution_optimizer.hpp"

namespace hwnas::engine {

/// What the differentiable stage keeps in the run's folder, in differentiable.json.
struct DifferentiableRecord {
  search::DistributionOptimizer::State state;  ///< after the last steps that are kept
  /// What costs are divided by: the mean of the first step's draws, which are uniform.
  double reference_cost = 0;
  std::optional<report::DifferentiableSummary> summary;  ///< once the stage is at its end
};

/// Written aside, synced and renamed.
void save_differentiable(const std::filesystem::path& run_folder,
                         const DifferentiableRecord& record);
/// Nothing if there is no such file. Throws FailedPrecondition if it cannot be read.
std::optional<DifferentiableRecord> find_differentiable(const std::filesystem::path& run_folder);
/// Throws NotFound if there is no such file.
DifferentiableRecord load_differentiable(const std::filesystem::path& run_folder);

/// The network that the stage has yielded, and its distribution; nothing where it was skipped or
/// has drawn no network within the limits.
search::Start start_of_search(const DifferentiableRecord& record);

}  // namespace hwnas::engine
