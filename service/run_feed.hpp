#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/experiment.hpp"
#include "engine/store.hpp"
#include "hwnas/v1/resources.pb.h"
#include "service/job_store.hpp"

namespace hwnas::service {

/// How much of a run the event log has told; JobRecord::cursor as text. Empty: nothing.
struct FeedCursor {
  std::uint64_t settled = 0;          ///< trials with lower ids are told to their end
  std::map<std::uint64_t, int> open;  ///< of the others: epochs told, or kEnded
  v1::SearchProgress progress;

  static constexpr int kEnded = -1;

  /// Throws Internal if text() did not write it.
  static FeedCursor parse(const std::string& text);
  std::string text() const;
};

/// Where a run of a job is, as of its store.
v1::SearchProgress progress_of(const engine::Experiment& experiment,
                               const std::vector<engine::StageRecord>& stages,
                               const std::vector<engine::TrialRecord>& trials);

/// What has become known of a run since the last time.
struct FeedUpdate {
  std::vector<NewEvent> events;  ///< of kinds kTrialEvent and kProgressEvent
  std::string cursor;            ///< to be stored with them
};

/// Payloads: JSON of a v1::Trial, of a v1::SearchProgress.
inline constexpr const char* kTrialEvent = "trial";
inline constexpr const char* kProgressEvent = "progress";

/// Turns what a run writes into run.db into events: a trial once when it is proposed, with each
/// further epoch, and when it has ended, and the progress whenever it has changed. For one thread.
class RunFeed {
 public:
  /// `folder`: of the run, which need not exist yet.
  RunFeed(std::filesystem::path folder, JobName job, const std::string& cursor);

  /// Nothing if nothing is new. It reads the whole store, so `always` false looks at the time
  /// stamps of its files first. Throws as engine::StoreReader.
  std::optional<FeedUpdate> poll(bool always);

 private:
  using Stamps = std::array<std::int64_t, 4>;
  Stamps stamps() const;
  bool tell(const engine::TrialRecord& trial);
  void settle();

  const std::filesystem::path folder_;
  const JobName job_;
  FeedCursor cursor_;
  std::optional<engine::Experiment> experiment_;
  std::optional<Stamps> seen_;
};

}  // namespace hwnas::service
