#pragma once

#include <filesystem>
#include <vector>

#include "hwnas/v1/compression_service.pb.h"
#include "service/artifacts.hpp"
#include "service/job.hpp"

namespace hwnas::service {

// What a compression job's process has written into its run's folder (see engine::to_json of a
// CompressResult). Both throw Internal for a file that is no such result.

/// What it has exported; none before it is done.
std::vector<JobArtifact> compression_artifacts(const std::filesystem::path& run,
                                               const JobName& job);

/// Adds results and metrics; none before it is done.
void add_compression_results(const std::filesystem::path& run, v1::CompressionJob& message);

}  // namespace hwnas::service
