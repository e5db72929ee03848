#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "service/live_study.hpp"
#include "service/study_store.hpp"
#include "service/worker_pool.hpp"

namespace hwnas::service {

/// Answers who asks for suggestions and for early stopping. Studies go side by side; of each, one
/// thread at a time works with its strategy, and all that wait for suggestions then get them in one
/// change. Keeps the strategies of the studies asked last. Thread-safe; calls are for threads that
/// may wait, as those of the pool, and answers come from them or from the store.
class Suggester {
 public:
  /// `store` and `pool` outlive it, and it outlives the pool's work and the store's changes.
  Suggester(StudyStore& store, WorkerPool& pool, std::size_t max_live = 32)
      : store_(store), pool_(pool), max_live_(max_live) {}

  /// See StudyStore::suggest. A client gets less than it wants only when the space is used up.
  void suggest(StudyName name, TrialsWanted wanted, Callback<Suggested> done);
  /// See LiveStudy::should_stop. NotFound; FailedPrecondition unless study and trial are ACTIVE (a
  /// trial may be STOPPING).
  void should_stop(TrialName name, Callback<bool> done);

 private:
  struct Waiting {
    TrialsWanted wanted;
    Callback<Suggested> done;
  };
  struct Question {
    TrialName trial;
    Callback<bool> done;
  };
  /// What waits for one study.
  struct Lane {
    StudyName name;
    std::vector<Waiting> waiting = {};
    std::vector<Question> questions = {};
    bool busy = false;                     ///< a thread or the store works for it
    std::unique_ptr<LiveStudy> live = {};  ///< of who makes it busy
    std::uint64_t last_use = 0;
  };
  using LanePointer = std::shared_ptr<Lane>;

  void enter(const StudyName& name, const std::function<void(Lane&)>& add);
  LanePointer lane_of(const StudyName& name);
  void drop_oldest();
  void serve(const LanePointer& lane);
  void leave(const LanePointer& lane);
  void bring_up(Lane& lane);
  bool answer(Lane& lane, const Question& question) const;
  void hand_out(const LanePointer& lane, std::vector<Waiting> waiting);
  void conclude(const LanePointer& lane, const std::vector<Waiting>& waiting, bool used_up,
                const Outcome<std::vector<Suggested>>& outcome);
  std::size_t missing(const Lane& lane, const std::vector<Waiting>& waiting) const;

  StudyStore& store_;
  WorkerPool& pool_;
  const std::size_t max_live_;
  std::mutex mutex_;
  std::map<StudyName, LanePointer> lanes_;
  std::uint64_t uses_ = 0;
};

}  // namespace hwnas::service
