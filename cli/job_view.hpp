#pragma once

#include <string>

#include "cli/progress.hpp"
#include "client/search_client.hpp"

namespace hwnas::cli {

/// "queued", "running", …
std::string state_name(v1::SearchJob::State state);

/// Whether a job in this state stays in it.
bool is_final(v1::SearchJob::State state);

/// Makes of what a job tells of its progress what a run here shows of its own.
class JobProgress {
 public:
  /// One after the other, from the job's beginning: the time of a stage is that since the one
  /// before it. The fraction is known of the search alone.
  engine::Progress update(const v1::SearchProgress& progress);

 private:
  std::string stage_;
  double stage_began_seconds_ = 0;
  double run_seconds_ = 0;
};

/// The front of a job as a table, as `hwnas run` shows it: a trial a line, with objectives and
/// limits. Empty while there is none. Asks hwnasd.
std::string describe_front(const client::SearchClient& client, const std::string& job);

}  // namespace hwnas::cli
