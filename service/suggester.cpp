#include "service/suggester.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace hwnas::service {
namespace {

template <typename T>
void fail_all(const std::vector<T>& waiting, std::exception_ptr failure) {
  for (const T& one : waiting) one.done(failure);
}

}  // namespace

void Suggester::suggest(StudyName name, TrialsWanted wanted, Callback<Suggested> done) {
  enter(name, [&](Lane& lane) { lane.waiting.push_back({std::move(wanted), std::move(done)}); });
}

void Suggester::should_stop(TrialName name, Callback<bool> done) {
  enter(name.study, [&](Lane& lane) { lane.questions.push_back({name, std::move(done)}); });
}

void Suggester::enter(const StudyName& name, const std::function<void(Lane&)>& add) {
  LanePointer lane;
  {
    const std::lock_guard lock(mutex_);
    lane = lane_of(name);
    add(*lane);
    if (std::exchange(lane->busy, true)) return;
  }
  serve(lane);
}

Suggester::LanePointer Suggester::lane_of(const StudyName& name) {
  LanePointer& lane = lanes_[name];
  if (!lane) lane = std::make_shared<Lane>(Lane{.name = name});
  lane->last_use = ++uses_;
  const LanePointer found = lane;
  if (lanes_.size() > max_live_) drop_oldest();
  return found;
}

/// Of those that nobody waits for.
void Suggester::drop_oldest() {
  auto oldest = lanes_.end();
  for (auto lane = lanes_.begin(); lane != lanes_.end(); ++lane) {
    if (lane->second->busy || lane->second->last_use == uses_) continue;
    const bool older = oldest == lanes_.end() || lane->second->last_use < oldest->second->last_use;
    if (older) oldest = lane;
  }
  if (oldest != lanes_.end()) lanes_.erase(oldest);
}

void Suggester::serve(const LanePointer& lane) {
  std::vector<Waiting> waiting;
  std::vector<Question> questions;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(lane->waiting);
    questions.swap(lane->questions);
  }
  try {
    bring_up(*lane);
  } catch (const std::exception&) {
    lane->live.reset();
    fail_all(waiting, std::current_exception());
    fail_all(questions, std::current_exception());
    return leave(lane);
  }
  for (const Question& question : questions) {
    try {
      question.done(answer(*lane, question));
    } catch (const std::exception&) {
      question.done(std::current_exception());
    }
  }
  if (waiting.empty()) return leave(lane);
  hand_out(lane, std::move(waiting));
}

void Suggester::leave(const LanePointer& lane) {
  {
    const std::lock_guard lock(mutex_);
    if (lane->waiting.empty() && lane->questions.empty()) {
      lane->busy = false;
      return;
    }
  }
  pool_.submit_always([this, lane] { serve(lane); });
}

/// Its strategy at the state of the store.
void Suggester::bring_up(Lane& lane) {
  const StudyHead head = store_.read().active_head(lane.name);
  if (lane.live && lane.live->uid() != head.uid) lane.live.reset();
  if (lane.live) {
    lane.live->catch_up();
  } else {
    const vizier::Study study = store_.read().study(lane.name);
    lane.live = std::make_unique<LiveStudy>(store_.read(), head.uid, study.study_spec());
  }
}

bool Suggester::answer(Lane& lane, const Question& question) const {
  const vizier::Trial trial = store_.read().trial(question.trial);
  if (trial.state() != vizier::Trial::ACTIVE && trial.state() != vizier::Trial::STOPPING) {
    throw error(ErrorCode::kFailedPrecondition,
                "{}: is {}; only trials that are ACTIVE or STOPPING can stop early", trial.name(),
                vizier::Trial::State_Name(trial.state()));
  }
  return lane.live->should_stop(trial);
}

/// How many trials are to be made for all to get what they want.
std::size_t Suggester::missing(const Lane& lane, const std::vector<Waiting>& waiting) const {
  std::map<std::string, std::int64_t> wanted;  // by client, whose calls all get the same trials
  for (const Waiting& one : waiting) {
    std::int64_t& count = wanted[one.wanted.client];
    count = std::max<std::int64_t>(count, one.wanted.count);
  }
  const std::int64_t uid = lane.live->uid();
  std::int64_t missing = 0;
  for (const auto& [client, count] : wanted) {
    missing += std::max<std::int64_t>(0, count - store_.read().active_trials(uid, client));
  }
  if (missing > 0) missing -= store_.read().requested_trials(uid);
  return static_cast<std::size_t>(std::max<std::int64_t>(0, missing));
}

void Suggester::hand_out(const LanePointer& lane, std::vector<Waiting> waiting) {
  std::vector<NewProposal> proposals;
  std::size_t wanted_new = 0;
  try {
    wanted_new = missing(*lane, waiting);
    proposals = lane->live->ask(wanted_new);
  } catch (const std::exception&) {
    lane->live.reset();
    fail_all(waiting, std::current_exception());
    return leave(lane);
  }
  std::vector<TrialsWanted> wanted;
  for (const Waiting& one : waiting) wanted.push_back(one.wanted);
  const bool made_some = !proposals.empty();
  const bool used_up = proposals.size() < wanted_new;
  store_.suggest(lane->name, lane->live->uid(), std::move(wanted), std::move(proposals),
                 [this, lane, made_some, used_up,
                  waiting = std::move(waiting)](const Outcome<std::vector<Suggested>>& outcome) {
                   // What was proposed and not recorded may yet be, after a failed sync.
                   if (!outcome.succeeded() && made_some) lane->live.reset();
                   conclude(lane, waiting, used_up, outcome);
                   leave(lane);
                 });
}

/// Answers; or asks once more for who got too little because trials that were counted on have been
/// deleted or completed in the meantime.
void Suggester::conclude(const LanePointer& lane, const std::vector<Waiting>& waiting, bool used_up,
                         const Outcome<std::vector<Suggested>>& outcome) {
  try {
    const std::vector<Suggested>& suggested = outcome.get();
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (used_up || suggested[i].response.trials_size() == waiting[i].wanted.count) {
        waiting[i].done(suggested[i]);
      } else {
        const std::lock_guard lock(mutex_);
        lane->waiting.push_back(waiting[i]);
      }
    }
  } catch (const std::exception&) {
    fail_all(waiting, std::current_exception());
  }
}

}  // namespace hwnas::service
