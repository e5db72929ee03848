#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/remote.hpp"

namespace hwnas::cli {

/// How a job is watched.
struct WatchRequest {
  std::string job;                 ///< its id or name
  std::filesystem::path download;  ///< where its artifacts go; empty: nowhere
  /// For the command line that goes on with an interrupted watching.
  client::ConnectionFlags connection;
};

/// Shows a job's progress on standard error until it is final, then writes its front and where its
/// artifacts are to standard output; with --json every event, one object a line, and the files
/// last. Exit code 0 for a job that has succeeded, 1 for another one. Ctrl-C ends the watching,
/// never the job, says how to go on, and gives 130.
void watch_job(const client::SearchClient& client, const WatchRequest& request,
               Invocation& invocation);

/// Downloads a job's artifacts of these formats (all if there are none named). Throws NotFound if
/// there are none, FailedPrecondition if two of them propose the same file name.
struct DownloadedFile {
  std::string format;
  std::filesystem::path file;
};
std::vector<DownloadedFile> download_artifacts(const client::SearchClient& client,
                                               const std::string& job,
                                               const std::vector<std::string>& formats,
                                               const std::filesystem::path& folder);

/// {"files": [{"format": …, "file": …}, …]}
nlohmann::json to_json(const std::vector<DownloadedFile>& files);
/// A line a file.
std::string describe(const std::vector<DownloadedFile>& files);

}  // namespace hwnas::cli
