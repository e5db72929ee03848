#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "service/store.hpp"
#include "service/study_name.hpp"
#include "vizier/vizier_service.pb.h"

namespace hwnas::service {

/// What a change of a study looks at first.
struct StudyHead {
  std::int64_t uid = 0;  ///< never given again
  vizier::Study::State state = vizier::Study::STATE_UNSPECIFIED;
};
/// Throws Refusal (NotFound).
StudyHead find_study(engine::Database& database, const StudyName& name);
/// Throws Refusal (NotFound, FailedPrecondition) unless it is ACTIVE.
StudyHead find_active_study(engine::Database& database, const StudyName& name);

/// A page of messages, and where the next one begins; empty: that was all.
template <typename Message>
struct MessagePage {
  std::vector<Message> messages;
  std::string next_page_token;
};

/// What a strategy proposed.
struct ProposalRecord {
  std::int64_t trial = 0;
  std::int64_t told_before = 0;  ///< finished trials that it had been told
  std::string genotype;          ///< as spaces::to_string writes it
};

/// A trial's end, for a strategy.
struct FinishedRecord {
  std::int64_t number = 0;              ///< as which one of its study it was finished, from 1
  std::int64_t trial = 0;               ///< its id
  std::optional<std::string> genotype;  ///< nothing: no strategy has proposed it
  vizier::Trial message;
};

/// Reads the studies of a store. Thread-safe. Errors as engine::Database's.
class StudyReader {
 public:
  explicit StudyReader(const Store& store) : store_(store) {}

  /// Throw NotFound; active_head FailedPrecondition, too, unless it is ACTIVE.
  StudyHead head(const StudyName& name) const;
  StudyHead active_head(const StudyName& name) const;
  vizier::Study study(const StudyName& name) const;
  vizier::Trial trial(const TrialName& name) const;
  vizier::SuggestTrialsResponse suggestion(const OperationName& name) const;

  /// In the order of their making. `page_size` 0: all, ResourceExhausted if these are over 3.5 MiB,
  /// which a client with gRPC's defaults could not read; otherwise at most 1000, and fewer bytes.
  /// InvalidArgument for a token of another listing or a negative size.
  MessagePage<vizier::Study> studies(const std::string& tenant, int page_size,
                                     const std::string& page_token) const;
  MessagePage<vizier::Trial> trials(const StudyName& name, int page_size,
                                    const std::string& page_token) const;
  /// All trials that are not deleted, in the order of their ids.
  void visit_trials(const StudyName& name,
                    const std::function<void(const vizier::Trial&)>& visit) const;

  /// In the order of their making, deleted ones included.
  void visit_proposals(std::int64_t uid,
                       const std::function<void(const ProposalRecord&)>& visit) const;
  /// Those after `number`, in order, deleted ones included; at most `limit`.
  std::vector<FinishedRecord> finished(std::int64_t uid, std::int64_t number, int limit) const;
  std::int64_t active_trials(std::int64_t uid, const std::string& client) const;
  std::int64_t requested_trials(std::int64_t uid) const;

 private:
  const Store& store_;
};

/// Throws Internal for bytes that are no such message.
template <typename Message>
Message message_from(const std::string& bytes) {
  Message message;
  if (!message.ParseFromString(bytes)) {
    throw error(ErrorCode::kInternal, "the store holds what is no {}", message.GetTypeName());
  }
  return message;
}

}  // namespace hwnas::service
