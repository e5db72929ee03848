#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "service/dataset_store.hpp"
#include "service/job_process.hpp"

namespace hwnas::service {

struct DatasetReadingOptions {
  /// A program and its first arguments; a file with an experiment's `data` and one for the facts
  /// follow. It ends with the exit codes of docs/cli.md, and says on standard error why.
  std::vector<std::string> program;
  std::filesystem::path folder;  ///< of its own; emptied
  JobLimits limits{.memory_bytes = std::uint64_t{4} << 30,
                   .cpu_seconds = 120,
                   .file_bytes = 1 << 20,
                   .open_files = 64};
  std::chrono::seconds longest{300};
};

/// Reads data sets to see whether they can be read, and what they hold. Files of strangers are read
/// in a process of its own, with limits. Thread-safe.
class DatasetReading {
 public:
  explicit DatasetReading(DatasetReadingOptions options);

  /// Waits for the process; `data`: with the names of files. Throws InvalidArgument with what the
  /// reader says; ResourceExhausted beyond the limits; Unavailable while another data set of the
  /// tenant is read, and after stop().
  DatasetFacts read(const std::string& tenant, const Config& data);
  /// Ends what is being read.
  void stop() { stopped_ = true; }

 private:
  class Turn;

  const DatasetReadingOptions options_;
  std::atomic<bool> stopped_ = false;
  std::atomic<int> next_ = 0;
  std::mutex mutex_;
  std::set<std::string> tenants_;  // whose data sets are being read
};

}  // namespace hwnas::service
