#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "hwnas/v1/resources.pb.h"
#include "service/job.hpp"

namespace hwnas::service {

/// A file of a job that clients may have.
struct JobArtifact {
  v1::Artifact message;
  std::string file;  ///< relative to the run's folder
};

/// What a run has exported so far, one of each format, and of a finished run its report (format
/// "report") and the chosen network's weights ("weights"). None if there is no run. Throws as
/// engine::StoreReader.
std::vector<JobArtifact> artifacts_of(const std::filesystem::path& run, const JobName& job);

/// An open file beneath a folder, whatever its name says and however links lie: the kernel is asked
/// to resolve the name beneath the folder, without links. Movable.
class FileBeneath {
 public:
  /// Throws NotFound for what is not there, is no plain file, or leads out of the folder.
  FileBeneath(const std::filesystem::path& folder, const std::string& name);
  FileBeneath(FileBeneath&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FileBeneath& operator=(FileBeneath&&) = delete;
  ~FileBeneath();

  std::int64_t size() const;
  /// At most `max_bytes` from an offset on; empty at the end. Throws Unavailable.
  std::string read(std::int64_t offset, std::size_t max_bytes) const;

 private:
  int descriptor_ = -1;
};

}  // namespace hwnas::service
