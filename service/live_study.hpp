#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "search/strategy.hpp"
#include "service/study_plan.hpp"
#include "service/study_reader.hpp"
#include "service/study_stopping.hpp"
#include "service/study_store.hpp"

namespace hwnas::service {

/// A study's strategy in memory, made of what the store holds: it is asked again for the recorded
/// proposals, and told the finished trials in the order in which they were, each before the
/// proposal before which it was told at first. So what it proposes next does not depend on when it
/// was made. For one thread at a time.
class LiveStudy {
 public:
  /// Replays all of the study. Throws FailedPrecondition if the strategy does not propose what is
  /// recorded: another version of hwnas has made the study. `reader` outlives it.
  LiveStudy(const StudyReader& reader, std::int64_t uid, const vizier::StudySpec& spec);

  std::int64_t uid() const { return uid_; }
  /// Tells the strategy what has been finished since.
  void catch_up();
  /// Up to n new proposals; fewer only when the space is used up. They are to be stored before the
  /// next call; if they cannot be, this object is of no more use.
  std::vector<NewProposal> ask(std::size_t n);
  /// By the median rule, if the study has a default_stopping_spec; false otherwise.
  bool should_stop(const vizier::Trial& trial) const;

 private:
  void replay();
  void tell_up_to(std::int64_t number);
  void tell(const FinishedRecord& record);
  std::vector<CurvePoint> curve_of(const vizier::Trial& trial) const;

  const StudyReader& reader_;
  const std::int64_t uid_;
  const bool stops_early_;
  const StudyPlan plan_;
  const std::unique_ptr<search::Strategy> strategy_;
  MedianStopping stopping_;
  std::vector<FinishedRecord> page_;  ///< read and not yet told, the next one last
  std::int64_t told_ = 0;             ///< how many finished trials
};

}  // namespace hwnas::service
