#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "service/job.hpp"
#include "service/submission.hpp"

namespace hwnas::service {

/// The arguments that let hwnas-train do a compression job, whose files it puts into the job's
/// folder; what an earlier attempt has left there goes. `data_folder`: the daemon's. Throws
/// NotFound for what the job is to work on and is not there any more.
std::vector<std::string> compression_command(const JobRecord& job,
                                             const std::filesystem::path& data_folder,
                                             const TenantDatasets& datasets, int workers);

}  // namespace hwnas::service
