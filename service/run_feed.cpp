#include "service/run_feed.hpp"

#include <sys/stat.h>

#include <google/protobuf/util/message_differencer.h>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "engine/front.hpp"
#include "engine/run_facts.hpp"
#include "service/messages.hpp"

namespace hwnas::service {
namespace {

using google::protobuf::util::MessageDifferencer;
using nlohmann::json;

void count(const engine::TrialRecord& trial, v1::SearchProgress& progress) {
  if (!trial.state) return;
  switch (*trial.state) {
    case search::TrialState::kComplete:
    case search::TrialState::kStopped:
      return progress.set_evaluated_trials(progress.evaluated_trials() + 1);
    case search::TrialState::kInfeasible:
      return progress.set_infeasible_trials(progress.infeasible_trials() + 1);
    case search::TrialState::kFailed:
      return progress.set_failed_trials(progress.failed_trials() + 1);
  }
}

/// At the pace so far; of the search alone, whose work is known.
std::optional<double> seconds_left(const engine::StageRecord& stage,
                                   const v1::SearchProgress& progress) {
  if (stage.stage != engine::Stage::kSearch || progress.evaluated_trials() == 0) return {};
  const auto done = static_cast<double>(progress.evaluated_trials());
  return stage.seconds / done * (static_cast<double>(progress.planned_trials()) - done);
}

/// nlohmann's own conversion takes 1e300 for an integer, which is undefined.
std::uint64_t integer_from_json(const json& value) {
  if (!value.is_number_integer()) {
    throw error(ErrorCode::kInternal, "the store has a cursor that cannot be read: no integer");
  }
  return value.get<std::uint64_t>();
}

}  // namespace

FeedCursor FeedCursor::parse(const std::string& text) {
  FeedCursor cursor;
  if (text.empty()) return cursor;
  try {
    const json object = json::parse(text);
    cursor.settled = integer_from_json(object.at("settled"));
    for (const json& entry : object.at("open")) {
      cursor.open[integer_from_json(entry.at(0))] =
          static_cast<int>(integer_from_json(entry.at(1)));
    }
    from_json(object.at("progress").dump(), cursor.progress);
  } catch (const json::exception& fault) {
    throw error(ErrorCode::kInternal, "the store has a cursor that cannot be read: {}",
                fault.what());
  }
  return cursor;
}

std::string FeedCursor::text() const {
  json list = json::array();
  for (const auto& [trial, epochs] : open) list.push_back({trial, epochs});
  return json{{"settled", settled}, {"open", list}, {"progress", json::parse(to_json(progress))}}
      .dump();
}

v1::SearchProgress progress_of(const engine::Experiment& experiment,
                               const std::vector<engine::StageRecord>& stages,
                               const std::vector<engine::TrialRecord>& trials) {
  v1::SearchProgress progress;
  progress.set_planned_trials(static_cast<std::int64_t>(experiment.trials));
  for (const engine::TrialRecord& trial : trials) count(trial, progress);
  progress.set_front_size(
      static_cast<std::int64_t>(engine::pareto_front(experiment, trials).points().size()));
  double seconds = 0;
  const engine::StageRecord* current = nullptr;
  for (const engine::StageRecord& stage : stages) {
    seconds += stage.seconds;
    if (current == nullptr || current->done) current = &stage;
  }
  *progress.mutable_run_time() = duration_of(seconds);
  if (current == nullptr) return progress;
  progress.set_stage(std::string(engine::to_string(current->stage)));
  if (const auto left = seconds_left(*current, progress)) {
    *progress.mutable_time_left() = duration_of(*left);
  }
  return progress;
}

RunFeed::RunFeed(std::filesystem::path folder, JobName job, const std::string& cursor)
    : folder_(std::move(folder)), job_(std::move(job)), cursor_(FeedCursor::parse(cursor)) {}

std::optional<FeedUpdate> RunFeed::poll(bool always) {
  if (!engine::holds_run(folder_)) return std::nullopt;
  const Stamps now = stamps();
  if (!always && seen_ == now) return std::nullopt;
  seen_ = now;
  const engine::StoreReader store(folder_);
  if (!experiment_) experiment_ = engine::stored_experiment(store);
  FeedUpdate update;
  const std::vector<engine::TrialRecord> trials = store.trials();
  for (const engine::TrialRecord& trial : trials) {
    if (tell(trial)) update.events.push_back({kTrialEvent, to_json(to_message(trial, job_))});
  }
  settle();
  v1::SearchProgress progress = progress_of(*experiment_, store.stages(), trials);
  if (!MessageDifferencer::Equals(progress, cursor_.progress)) {
    update.events.push_back({kProgressEvent, to_json(progress)});
    cursor_.progress = std::move(progress);
  }
  if (update.events.empty()) return std::nullopt;
  update.cursor = cursor_.text();
  return update;
}

/// Of run.db and its log; a change that they do not show is seen at the end of the run.
RunFeed::Stamps RunFeed::stamps() const {
  Stamps result{};
  std::size_t i = 0;
  for (const char* file : {"run.db", "run.db-wal"}) {
    struct stat status {};
    if (::stat((folder_ / file).c_str(), &status) == 0) {
      result[i] = status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
      result[i + 1] = status.st_size;
    }
    i += 2;
  }
  return result;
}

/// Whether it is news; notes it as told.
bool RunFeed::tell(const engine::TrialRecord& trial) {
  if (trial.id < cursor_.settled) return false;
  const int state = trial.state ? FeedCursor::kEnded : static_cast<int>(trial.curve.size());
  const auto [told, is_new] = cursor_.open.try_emplace(trial.id, state);
  if (is_new) return true;
  if (told->second == state) return false;
  told->second = state;
  return true;
}

void RunFeed::settle() {
  for (auto first = cursor_.open.begin();
       first != cursor_.open.end() && first->first == cursor_.settled &&
       first->second == FeedCursor::kEnded;
       first = cursor_.open.erase(first)) {
    ++cursor_.settled;
  }
}

}  // namespace hwnas::service
